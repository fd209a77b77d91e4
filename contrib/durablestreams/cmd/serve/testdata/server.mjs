// The protocol authors' own server, in memory, on a port of its own, which it prints. It ends with its standard input.
import { DurableStreamTestServer } from "@durable-streams/server"

const server = new DurableStreamTestServer({ port: 0, host: "127.0.0.1" })
console.log(await server.start())
process.stdin.resume()
process.stdin.on("end", async () => {
  await server.stop()
  process.exit(0)
})
