const at = (id) => document.getElementById(id);
const counts = { received: 0, missing: 0, twice: 0, cuts: 0, resumed: 0, replayed: 0 };
const LATE = 400; // milliseconds: words that took this much longer than the fastest one were replayed

function say(state, words) {
  at("state").dataset.state = state;
  at("state").textContent = words;
  at("cut").disabled = state !== "on";
}

function show() {
  for (const [name, n] of Object.entries(counts)) at(name).textContent = n.toLocaleString("en-US");
}

function listen(session) {
  const source = new EventSource(`events?session=${encodeURIComponent(session)}`);
  let last = 0, fastest = Infinity, broken = false;
  source.onopen = () => {
    if (broken) counts.resumed++;
    broken = false;
    say("on", "Connected");
    show();
  };
  source.onerror = () => {
    broken = true;
    if (source.readyState === EventSource.CLOSED) say("over", "The stream is over. Reload for another one.");
    else say("off", "Connection lost. Coming back…");
  };
  source.addEventListener("word", (e) => {
    const { n, word, at: written } = JSON.parse(e.data);
    const took = Date.now() - written;
    fastest = Math.min(fastest, took);
    counts.received++;
    if (n <= last) counts.twice++;
    if (n > last + 1) counts.missing += n - last - 1;
    last = Math.max(last, n);
    const late = took - fastest > LATE;
    if (late) counts.replayed++;
    write(word, late);
    show();
  });
  at("cut").addEventListener("click", async () => {
    const answer = await fetch(`cut?session=${encodeURIComponent(session)}`, { method: "POST" });
    if (!answer.ok) return;
    counts.cuts++;
    show();
  });
}

function write(word, late) {
  const text = at("text");
  const follows = text.scrollHeight - text.scrollTop - text.clientHeight < 40;
  if (late) {
    const mark = document.createElement("mark");
    mark.textContent = word;
    text.append(mark, " ");
  } else {
    text.append(`${word} `);
  }
  if (follows) text.scrollTop = text.scrollHeight;
}

const answer = await fetch("start", { method: "POST" });
if (answer.ok) listen(await answer.text());
else say("over", await answer.text());
