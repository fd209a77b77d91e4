// A client of the SDK for TypeScript, version 2, that begins a task at the first URL and goes on with
// it at the second one. It writes what it has seen as JSON.
//
// The SDK refuses a result of type "task" (UNSUPPORTED_RESULT_TYPE), so that the handle is taken from
// the response on its way in. It sends tasks/get, tasks/update and tasks/cancel as any request of an
// extension, with their Mcp-Name.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'

const [first, second] = process.argv.slice(2)
const extension = 'io.modelcontextprotocol/tasks'
const anything = { '~standard': { version: 1, vendor: 'interop', validate: (value) => ({ value }) } }

let handle
async function watch(input, init) {
  const response = await fetch(input, init)
  if (new Headers(init?.headers).get('mcp-method') === 'tools/call') {
    const text = await response.clone().text()
    handle = JSON.parse(text.match(/^data: (.*)$/m)?.[1] ?? text).result
  }
  return response
}

async function connect(url) {
  const client = new Client({ name: 'interop', version: '1' }, {
    capabilities: { elicitation: { form: {} }, extensions: { [extension]: {} } },
    versionNegotiation: { mode: { pin: '2026-07-28' } }
  })
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { fetch: watch }))
  return client
}

async function begin(client, name, args) {
  const refused = await client.callTool({ name, arguments: args }).then(() => 'nothing', (error) => error.code)
  return { refused, resultType: handle.resultType, id: handle.taskId }
}

const ask = (client, method, params) => client.request({ method, params }, anything)

async function until(client, taskId, ...statuses) {
  for (;;) {
    const task = await ask(client, 'tasks/get', { taskId })
    if (statuses.includes(task.status)) return task
    await new Promise((done) => setTimeout(done, task.pollIntervalMs))
  }
}

const a = await connect(first)
const seen = { declared: a.getServerCapabilities().extensions?.[extension] !== undefined }
const bread = await begin(a, 'bake', { loaves: 3, seconds: 0.01 })
const long = await begin(a, 'bake', { loaves: 1000, seconds: 0.1 })
const asking = await begin(a, 'confirm_delete', { filename: 'x' })
await a.close()

const b = await connect(second)
seen.begun = bread
seen.result = (await until(b, bread.id, 'completed')).result.content[0].text
await ask(b, 'tasks/cancel', { taskId: long.id })
seen.cancelled = (await until(b, long.id, 'cancelled', 'completed', 'failed')).status
const question = await until(b, asking.id, 'input_required')
const key = Object.keys(question.inputRequests)[0]
seen.question = question.inputRequests[key].method
await ask(b, 'tasks/update', {
  taskId: asking.id, inputResponses: { [key]: { action: 'accept', content: { confirm: true } } }
})
seen.answered = (await until(b, asking.id, 'completed')).result.content[0].text
seen.unknown = await ask(b, 'tasks/get', { taskId: 'no-such-task' }).catch((error) => error.code)
await b.close()
console.log(JSON.stringify(seen))
