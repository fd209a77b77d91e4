// Follows the stream at argv[3] with the client that argv[2] names, and writes a line of JSON for each event, until the server says that there is no more.
const [, , name, url] = process.argv;
const say = line => process.stdout.write(JSON.stringify(line) + '\n');
const take = ({ lastEventId, id, data }) => say({ id: lastEventId ?? id, data });

// These libraries are written for browsers.
globalThis.window ??= globalThis;
globalThis.addEventListener ??= () => {};
globalThis.document ??= { hidden: false, addEventListener() {}, removeEventListener() {} };

if (name === '@microsoft/fetch-event-source') {
  const { fetchEventSource } = await import(name);
  class Done extends Error {}
  await fetchEventSource(url, {
    openWhenHidden: true,
    async onopen(response) { if (response.status !== 200) throw new Done(String(response.status)); },
    onmessage(message) { if (message.data !== '') take(message); }, // it makes an event of the place that a stream begins with
    onclose() { throw new Error('closed'); }, // or it takes the end of a stream for the end of all
    onerror(error) { if (error instanceof Done) throw error; },
  }).catch(error => say({ status: Number(error.message) }));
} else {
  const library = await import(name);
  const EventSource = library.EventSource ?? library.default?.EventSourcePolyfill ?? library.EventSourcePolyfill;
  const source = new EventSource(url);
  source.onmessage = take;
  source.onerror = error => {
    if (source.readyState !== EventSource.CLOSED) return;
    say({ status: error.code ?? error.status ?? 0 });
    setTimeout(() => process.exit(0), 50);
  };
}
