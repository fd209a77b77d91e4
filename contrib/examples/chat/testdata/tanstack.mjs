// Talks to the server with the connection of "@tanstack/ai-client". Arguments: what to do (ask, join, or stop: ask, and give up after ten
// words, as a stop button does), the URL of /runs, the run's ID. It writes the text to standard output, and whether the run has finished.
import { fetchServerSentEvents } from "@tanstack/ai-client"

const [what, url, runId] = process.argv.slice(2)
const connection = fetchServerSentEvents(url, { reconnect: { delayMs: 10 } })
const messages = [{ id: "1", role: "user", content: "hello", parts: [{ type: "text", content: "hello" }] }]
const button = new AbortController()
let text = ""
let words = 0
let finished = false

async function read() {
  text = ""
  const events =
    what === "join" ? connection.joinRun(runId) : connection.connect(messages, undefined, button.signal, { runId, threadId: "thread" })
  for await (const event of events) {
    if (event.type === "RUN_FINISHED") finished = true
    if (event.type !== "TEXT_MESSAGE_CONTENT") continue
    text += event.delta
    if (++words === 10 && what === "stop") {
      await fetch(`${url}/${runId}/stop`, { method: "POST" })
      button.abort()
    }
  }
}

// The client comes back by itself, unless nothing at all has come before the break, or five times in a row: then the page is loaded again.
let reloads = 0
for (let whole = false; !whole && !button.signal.aborted; ) {
  try {
    await read()
    whole = true
  } catch (error) {
    if (!button.signal.aborted && ++reloads > 20) throw error
  }
}
console.log(JSON.stringify({ text, finished, reloads }))
process.exit(0)
