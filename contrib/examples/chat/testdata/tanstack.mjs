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
const events =
  what === "join" ? connection.joinRun(runId) : connection.connect(messages, undefined, button.signal, { runId, threadId: "thread" })
try {
  for await (const event of events) {
    if (event.type === "RUN_FINISHED") finished = true
    if (event.type === "TEXT_MESSAGE_CONTENT") {
      text += event.delta
      if (++words === 10 && what === "stop") {
        await fetch(`${url}/${runId}/stop`, { method: "POST" })
        button.abort()
      }
    }
  }
} catch (error) {
  if (!button.signal.aborted) throw error
}
console.log(JSON.stringify({ text, finished }))
process.exit(0)
