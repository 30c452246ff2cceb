// Swagger's page over our own OpenAPI; nothing is asked of any other server.

window.SwaggerUIBundle({
  url: "/openapi.json",
  domNode: document.getElementById("swagger"),
  validatorUrl: null,
  deepLinking: true,
  tryItOutEnabled: true,
});
