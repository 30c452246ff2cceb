// The one live stream of a browser, shared by all its tabs.

import { Hub } from "./live-hub.js";

const hub = new Hub();

addEventListener("connect", ({ ports: [port] }) => {
  const post = (message) => port.postMessage(message);
  port.onmessage = ({ data }) => {
    if (data.want) hub.want(post, data.want);
    else if (data.here) hub.here(post);
    else if (data.bye) hub.leave(post);
  };
  post({ ready: true });
});
