"use strict";

const answer = document.querySelector("#answer");
const state = document.querySelector("#state");
const stop = document.querySelector("#stop");
let source;

// follow shows a session from its beginning: after a reload, what was there before comes first. When the connection breaks, the browser comes
// back by itself with the last event's ID.
function follow(session) {
  source?.close();
  answer.textContent = "";
  stop.disabled = false;
  source = new EventSource("events?session=" + encodeURIComponent(session));
  source.onopen = () => { state.textContent = "The answer comes."; };
  source.addEventListener("token", e => { answer.textContent += e.data; });
  source.addEventListener("done", e => end("The answer is complete: " + e.data + "."));
  source.addEventListener("failed", e => end("It has failed: " + e.data + "."));
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) { // the answer was no stream, or the page is being left
      end("This answer is no longer there.");
    } else {
      state.textContent = "The connection is lost; the answer goes on when it is back.";
    }
  };
}

function end(why) {
  source.close();
  stop.disabled = true;
  state.textContent = why;
}

document.querySelector("form").addEventListener("submit", async e => {
  e.preventDefault();
  const asked = await fetch("ask", { method: "POST", body: new URLSearchParams(new FormData(e.target)) });
  const text = await asked.text();
  if (!asked.ok) {
    state.textContent = text;
    return;
  }
  sessionStorage.setItem("session", text);
  follow(text);
});

stop.addEventListener("click", async () => {
  const session = sessionStorage.getItem("session");
  sessionStorage.removeItem("session");
  end("Stopped.");
  await fetch("events?session=" + encodeURIComponent(session), { method: "DELETE" });
});

const session = sessionStorage.getItem("session");
if (session) {
  follow(session);
}
