// follow listens to a feed for as long as the page is there: to.sample gets each sample, the past ones first. A connection that breaks
// goes on where it was, by Last-Event-ID; after a restart of the server the samples begin anew, and to.restart is called.
export function follow(query, to) {
  const state = document.getElementById("state");
  const pause = document.getElementById("pause");
  let source, timer, seen = 0;

  const say = (name, words) => {
    state.dataset.state = name;
    state.lastElementChild.textContent = words;
  };

  function connect() {
    source = new EventSource(`live${query}`);
    source.onopen = () => say("live", "Live");
    source.onerror = () => {
      say("broken", "Reconnecting…");
      if (source.readyState !== EventSource.CLOSED) return;
      if (to.refused?.()) return say("over", "Ended");
      timer = setTimeout(connect, 2000);
    };
    source.addEventListener("sample", (e) => {
      const sample = JSON.parse(e.data);
      if (sample.t <= seen) return; // a connection of our own making begins with the past
      seen = sample.t;
      to.sample(sample);
    });
    source.addEventListener("gap", () => to.restart?.());
    source.addEventListener("end", () => {
      source.close();
      say("over", "Ended");
      to.end?.();
    });
  }

  pause.addEventListener("click", () => {
    const paused = pause.getAttribute("aria-pressed") !== "true";
    pause.setAttribute("aria-pressed", paused);
    clearTimeout(timer);
    source.close();
    if (paused) say("paused", "Paused"); else connect();
  });
  addEventListener("pagehide", () => source.close());
  addEventListener("pageshow", (e) => { if (e.persisted && pause.getAttribute("aria-pressed") !== "true") connect(); });
  connect();
}
