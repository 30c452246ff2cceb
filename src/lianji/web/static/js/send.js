// Sending to the API: what it answers, or an Error whose message is cause and remedy.

import { answered, notAnswered, said } from "./page.js";

// A string, a Blob or a File goes as it is, anything else as JSON.
export async function send(address, body, signal) {
  const raw = typeof body === "string" || body instanceof Blob;
  const headers = { "Content-Type": raw ? "application/octet-stream" : "application/json" };
  let response;
  try {
    response = await fetch(address, {
      method: "POST",
      headers,
      body: raw ? body : JSON.stringify(body),
      signal,
    });
  } catch (error) {
    if (error.name !== "AbortError") notAnswered();
    throw error;
  }
  answered();
  if (!response.ok) {
    const fault = await response.json();
    throw new Error(`${said(fault.cause)} ${said(fault.remedy)}`);
  }
  return response;
}
