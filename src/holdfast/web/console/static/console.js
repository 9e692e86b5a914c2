// What the console adds once scripts have arrived: live state, keys, copying, times that stay true.
// Every page works without it. No words live here: they come from the page, out of the catalogue.
"use strict";

const $ = (selector) => document.querySelector(selector);

// Times --------------------------------------------------------------------------------------

const relative = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });
const STEPS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

function keepTimesTrue() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    const [unit, size] = STEPS.find(([, step]) => seconds >= step) ?? ["second", 1];
    const text = seconds < 10 ? document.documentElement.dataset.now : relative.format(-Math.floor(seconds / size), unit);
    if (time.textContent !== text) time.textContent = text;
  }
}
setInterval(keepTimesTrue, 10000);

// Live updates -------------------------------------------------------------------------------
// htmx keeps the stream and reconnects; here it is only said how fresh the figures are.

const live = $("#live");
if (live) {
  const shown = live.querySelector(".live");
  const words = $("#live-text");
  const pause = $("#live-pause");
  const STALE_AFTER = 8000;
  let heard = 0;
  let paused = false;
  let asked = Date.now();

  const clock = (moment) => new Date(moment).toISOString().slice(11, 19) + " UTC";
  const say = (state) => {
    if (shown.dataset.state === state) return;
    shown.dataset.state = state;
    words.textContent = (live.dataset[state] ?? "").replace("{when}", clock(heard || performance.timeOrigin));
    $("#live-reload").hidden = state === "live" || state === "connecting";
    pause.hidden = !(state === "live" || state === "paused");
  };
  const judge = () => {
    if (paused) say("paused");
    else if (!navigator.onLine) say("offline");
    else if (heard && Date.now() - heard < STALE_AFTER) say("live");
    else if (!heard && performance.now() < STALE_AFTER) say("connecting");
    else say("stale");
    // htmx reconnects a stream that broke, not one that never opened.
    if (shown.dataset.state === "stale" && Date.now() - asked > 15000) {
      asked = Date.now();
      live.dispatchEvent(new Event("again"));
    }
  };
  live.addEventListener("htmx:sse:before:message", (event) => {
    if (paused) { event.preventDefault(); return; }
    heard = Date.now();
    judge();
  });
  live.addEventListener("htmx:sse:after:message", () => { keepTimesTrue(); countNew(); });
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? live.dataset.resume : live.dataset.pause;
    judge();
  });
  addEventListener("online", judge);
  addEventListener("offline", judge);
  setInterval(judge, 1000);
  judge();
}

// The list of recent decisions never moves under the reader: what is newer waits behind a button,
// except where there is nothing yet to disturb.
function countNew() {
  const button = $("#recent-new");
  const size = $("#status [data-entries]");
  if (!button || !size || Number(size.dataset.entries) <= Number(button.dataset.entries)) return;
  if ($("#recent .empty")) button.click();
  else button.hidden = false;
}

document.addEventListener("htmx:after:swap", keepTimesTrue);

// A request that got no answer says so where its answer would have stood.
document.addEventListener("htmx:error", (event) => {
  const form = event.target.closest?.("[data-failed]");
  const notice = form && document.getElementById(form.dataset.failed);
  const place = form && $(form.getAttribute("hx-target"));
  if (notice && place) place.replaceChildren(notice.content.cloneNode(true));
});

// Copying ------------------------------------------------------------------------------------

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  const words = button.firstElementChild;
  const before = words.textContent;
  try {
    await navigator.clipboard.writeText(source.textContent);
    words.textContent = button.dataset.copied;
  } catch {
    getSelection().selectAllChildren(source);
    words.textContent = button.dataset.failed;
  }
  setTimeout(() => { words.textContent = before; }, 2500);
});

// Keys ---------------------------------------------------------------------------------------

const dialog = $("#keys");
const switchBox = $("#keys-on");
const memory = { // a browser may forbid storage; then the choice lasts as long as the page
  get: () => { try { return localStorage.getItem("keys") !== "off"; } catch { return true; } },
  set: (on) => { try { localStorage.setItem("keys", on ? "on" : "off"); } catch { /* as said */ } },
};
let keysOn = memory.get();
let leader = 0;

if (dialog) {
  switchBox.checked = keysOn;
  switchBox.addEventListener("change", () => { keysOn = switchBox.checked; memory.set(keysOn); });
  $("[data-keys]").addEventListener("click", (event) => { event.preventDefault(); dialog.showModal(); });
}

function rows() { return [...document.querySelectorAll(".decisions > li")]; }
function current() {
  const focused = document.activeElement?.closest?.(".decisions > li");
  return focused ?? $(".decisions > li[data-current]");
}
function step(by) {
  const all = rows();
  if (!all.length) return;
  const here = current();
  const next = all[Math.min(all.length - 1, Math.max(0, here ? all.indexOf(here) + by : 0))];
  for (const row of all) delete row.dataset.current;
  next.dataset.current = "";
  (next.querySelector("summary") ?? next.querySelector("[data-open]") ?? next).focus();
}

const DEEDS = {
  "?": () => dialog?.showModal(),
  "/": () => ($("#try-text") ? $("#try-text").focus() : location.assign("/#try-text")),
  j: () => step(1),
  k: () => step(-1),
  r: () => { const veil = (current() ?? document).querySelector(".veil"); if (veil) veil.open = !veil.open; },
  o: () => current()?.querySelector("[data-open]")?.click(),
  Escape: () => document.querySelectorAll(".veil[open]").forEach((veil) => { veil.open = false; }),
};
const PLACES = { h: "/", d: "/decisions", s: "/suggestions", p: "/policy" };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || dialog?.open) return;
  const writing = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (writing || (!keysOn && event.key !== "Escape")) return;
  if (Date.now() - leader < 1500 && PLACES[event.key]) { location.assign(PLACES[event.key]); return; }
  leader = event.key === "g" ? Date.now() : 0;
  if (DEEDS[event.key]) { event.preventDefault(); DEEDS[event.key](); }
});
