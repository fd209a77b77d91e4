// The theme is the system's unless the reader has chosen one. This runs before the page is painted, so that it does not flash.
(() => {
  const root = document.documentElement;
  const choices = ["auto", "light", "dark"];
  const stored = () => { try { return localStorage.getItem("theme"); } catch { return null; } };
  let choice = choices.includes(stored()) ? stored() : "auto";
  const apply = () => {
    if (choice === "auto") root.removeAttribute("data-theme"); else root.dataset.theme = choice;
    const button = document.getElementById("theme");
    if (button) button.textContent = `Theme: ${choice}`;
  };
  apply();
  addEventListener("DOMContentLoaded", () => {
    apply();
    document.getElementById("theme").addEventListener("click", () => {
      choice = choices[(choices.indexOf(choice) + 1) % choices.length];
      try { localStorage.setItem("theme", choice); } catch { /* not allowed to: it lasts as long as the page */ }
      apply();
    });
  });
})();
