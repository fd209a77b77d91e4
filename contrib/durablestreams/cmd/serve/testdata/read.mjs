// Reads a stream of JSON messages with the official client, up to the one that says done, and writes them to standard output, a line
// each. The client takes an answer that breaks off for the end of its session (0.2.7 tells no error, and counts the headers of the
// broken answer as read), so this goes by the offset of the last batch that came whole and by the message itself.
import { stream } from "@durable-streams/client"

const [url, live] = process.argv.slice(2)
let offset = "-1"
for (;;) {
  try {
    const response = await stream({ url, offset, live, json: true })
    response.subscribeJson(async (batch) => {
      for (const item of batch.items) {
        console.log(JSON.stringify(item))
        if (item.done) process.exit(0)
      }
      offset = batch.offset
    })
    await response.closed
  } catch (error) {
    process.stderr.write(`again from ${offset}: ${error}\n`)
  }
}
