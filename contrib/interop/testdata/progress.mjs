// Calls the tool "progress" of the MCP server at argv[2] and writes a line of JSON for each notification, then one for the result.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { CallToolResultSchema, ProgressNotificationSchema } from '@modelcontextprotocol/sdk/types.js';

const [url, count] = [new URL(process.argv[2]), Number(process.argv[3])];
const say = line => process.stdout.write(JSON.stringify(line) + '\n');

const client = new Client({ name: 'interop', version: '1' });
const transport = new StreamableHTTPClientTransport(url, {
  // A reconnect may come before the server knows that the connection before it is gone, which is refused.
  reconnectionOptions: { initialReconnectionDelay: 20, maxReconnectionDelay: 1000, reconnectionDelayGrowFactor: 1.5, maxRetries: 100 },
});
let broken = 0;
client.onerror = error => { broken += /disconnected/.test(error.message); };
client.setNotificationHandler(ProgressNotificationSchema, ({ params }) => say({ progress: params.progress, message: params.message }));

await client.connect(transport);
const call = { method: 'tools/call', params: { name: 'progress', arguments: { count }, _meta: { progressToken: 'p' } } };
const result = await client.request(call, CallToolResultSchema, { timeout: 120_000 });
await new Promise(setImmediate); // notifications are handled a turn later than results
say({ result: result.content[0].text, broken });
await transport.terminateSession();
await client.close();
