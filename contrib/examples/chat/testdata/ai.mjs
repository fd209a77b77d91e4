// Talks to the server with the transport of "ai". Arguments: what to do (ask, resume, or stop: ask, and have the server stop after ten
// words), the URL of /api/chat, the chat's ID. It writes the text to standard output: of an answer that is read to its end, through
// however many breaks, or "nothing to resume".
import { DefaultChatTransport } from "ai"

const [what, api, chatId] = process.argv.slice(2)
const transport = new DefaultChatTransport({ api })
const messages = [{ id: "1", role: "user", parts: [{ type: "text", text: "hello" }] }]
let text = ""
let breaks = 0
let words = 0

async function read(stream) {
  for await (const chunk of stream) {
    if (chunk.type === "start") text = "" // a resumed answer comes from its beginning
    if (chunk.type === "text-delta") text += chunk.delta
    if (chunk.type === "text-delta" && ++words === 10 && what === "stop") await fetch(`${api}/${chatId}/stop`, { method: "POST" })
    if (chunk.type === "finish") return true
  }
  return false
}

async function open(first) {
  if (first && what !== "resume") {
    return transport.sendMessages({ chatId, messages, trigger: "submit-message", messageId: undefined, abortSignal: undefined })
  }
  return transport.reconnectToStream({ chatId })
}

for (let finished = false, first = true; !finished; first = false) {
  try {
    const stream = await open(first)
    if (stream === null) {
      text = "nothing to resume"
      break
    }
    finished = await read(stream)
  } catch (error) {
    breaks++
  }
  if (breaks > 50) throw new Error("too many breaks")
}
console.log(JSON.stringify({ text, breaks }))
process.exit(0)
