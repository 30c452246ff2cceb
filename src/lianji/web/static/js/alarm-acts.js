// What people decide about alarms, sent to the API; what it says of it goes into one line.

import { answered, notAnswered, said, t } from "./page.js";

const line = document.getElementById("said");

export async function post(address, body) {
  let response;
  try {
    response = await fetch(address, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
  } catch (error) {
    notAnswered();
    throw error;
  }
  answered();
  const answer = await response.json();
  if (!response.ok) throw new Error(`${said(answer.cause)} ${said(answer.remedy)}`);
  return answer;
}

// act("acknowledge", ids, "alarm.acknowledge"): true if it was done.
export async function act(verb, alarms, word, more = {}) {
  try {
    const { changed } = await post(`/api/alarms/${verb}`, { alarms, ...more });
    tell(t("alarm.done", { act: t(word), count: changed }), false);
    dispatchEvent(new Event("alarms-changed"));
    return true;
  } catch (error) {
    tell(error.message, true);
    return false;
  }
}

export function tell(words, isFault) {
  line.textContent = words;
  line.classList.toggle("fault", isFault);
}
