// Talks to the server with the connection of "@tanstack/ai-client". Arguments: what to do (ask, join), the URL of /runs, the run's ID.
import { fetchServerSentEvents } from "@tanstack/ai-client"

const [what, url, runId] = process.argv.slice(2)
const connection = fetchServerSentEvents(url, { reconnect: { delayMs: 10 } })
const messages = [{ id: "1", role: "user", content: "hello", parts: [{ type: "text", content: "hello" }] }]
let text = ""
const events = what === "ask" ? connection.connect(messages, undefined, undefined, { runId, threadId: "thread" }) : connection.joinRun(runId)
for await (const event of events) {
  if (event.type === "TEXT_MESSAGE_CONTENT") text += event.delta
}
console.log(JSON.stringify({ text }))
process.exit(0)
