"use strict";
// Keys of the queue, its dialogs, and messages of requests that failed. Everything works without.
(() => {
  const byId = (id) => document.getElementById(id);
  const rows = () => [...document.querySelectorAll("#rows > .row")];
  const current = () => document.activeElement?.closest?.("#rows > .row");
  const keysOn = () => localStorage.getItem("keys") !== "off";

  const move = (step) => {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(current());
    const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step;
    all[Math.max(0, Math.min(all.length - 1, next))].focus();
  };

  const press = (key) => {
    const target = current()?.querySelector(`[data-key="${CSS.escape(key)}"]`);
    if (target && !target.disabled) target.click();
    return Boolean(target);
  };

  const onKey = (event) => {
    const typing = event.target.closest?.("input:not([type=checkbox]), select, textarea, dialog");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !keysOn()) return;
    if (event.key === "j" || event.key === "k") move(event.key === "j" ? 1 : -1);
    else if (event.key === "?") byId("help")?.showModal();
    else if (!"cdusSnox".includes(event.key) || !press(event.key)) return;
    event.preventDefault();
  };

  // A row that leaves takes the focus with it: give it to the one that took its place.
  let place = -1;
  const remember = () => { const row = current(); place = row ? rows().indexOf(row) : -1; };
  const restore = () => {
    if (place < 0 || current() || byId("sheet")?.open) return;
    if (document.activeElement !== document.body) return;
    const all = rows();
    all[Math.min(place, all.length - 1)]?.focus();
  };

  const say = (text) => {
    const message = byId("message");
    if (!message) return;
    message.textContent = text;
  };

  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-help]")) byId("help").showModal();
    if (event.target.closest?.("[data-close]")) event.target.closest("dialog").close();
  });
  document.addEventListener("change", (event) => {
    if (event.target.id === "keys-on") localStorage.setItem("keys", event.target.checked ? "on" : "off");
    if (event.target.closest?.("#filter")) byId("filter").requestSubmit();
  });
  document.addEventListener("htmx:before:swap", remember);
  document.addEventListener("htmx:after:swap", () => {
    const sheet = byId("sheet");
    if (sheet && !sheet.open && byId("sheet-body").firstElementChild) sheet.showModal();
    restore();
  });
  const lost = (text) => {
    const connection = byId("connection");
    if (connection) connection.textContent = text;
  };
  document.addEventListener("htmx:sse:error", (event) => {
    // The session has ended: the page leads to the sign-in.
    if (event.detail.status === 401) location.reload();
    lost(byId("connection")?.dataset.lost ?? "");
  });
  document.addEventListener("htmx:sse:after:connection", () => lost(""));
  document.addEventListener("htmx:before:request", () => say(""));
  document.addEventListener("htmx:after:request", (event) => {
    const sheet = byId("sheet");
    if (sheet?.open && event.target.closest?.("#sheet") && event.target.matches("form")) {
      byId("sheet-body").replaceChildren();
      sheet.close();
    }
  });
  byId("sheet")?.addEventListener("close", () => byId("sheet-body").replaceChildren());
  const keys = byId("keys-on");
  if (keys) keys.checked = keysOn();
})();
