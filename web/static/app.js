// Wardline's only script. Every page works without it: it adds single-key shortcuts, the help dialog, opening a list
// entry beside the list and changing the theme without a reload.

// Pages of our own are parsed here and nowhere else; the policy takes nothing but what fetchPage() got from this origin.
const fragments = window.trustedTypes
  ? trustedTypes.createPolicy("app-fragment", { createHTML: (text) => text })
  : { createHTML: (text) => text };

const root = document.documentElement;
root.classList.add("scripted");
const keysOn = () => document.body.dataset.keys === "on";
const $ = (selector, from = document) => from.querySelector(selector);

async function fetchPage(address) {
  const url = new URL(address, location.href);
  if (url.origin !== location.origin) throw new Error("not ours");
  const response = await fetch(url, { credentials: "same-origin", redirect: "error" });
  if (!response.ok) throw new Error(String(response.status));
  return new DOMParser().parseFromString(fragments.createHTML(await response.text()), "text/html");
}

// Opens a list entry in the detail column; where there is none beside the list, or anything fails, the link is followed.
async function open(link) {
  const detail = $("#detail");
  if (!detail || matchMedia("(max-width: 64rem)").matches) return location.assign(link.href);
  try {
    const fresh = $("#detail", await fetchPage(link.href));
    detail.replaceWith(document.adoptNode(fresh));
  } catch {
    return location.assign(link.href);
  }
  for (const other of document.querySelectorAll("[data-row][aria-current]")) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
  history.pushState({ list: true }, "", link.href.replace(/#.*$/, ""));
  for (const back of document.querySelectorAll("#bulk [name=back]")) back.value = location.pathname + location.search;
  link.focus({ preventScroll: true });
  link.closest("li").scrollIntoView({ block: "nearest" });
}

function step(by) {
  const rows = [...document.querySelectorAll("[data-row]")];
  const at = rows.findIndex((row) => row.hasAttribute("aria-current"));
  const next = rows[Math.min(Math.max(at + by, 0), rows.length - 1)];
  if (next) open(next);
}

function count() {
  const out = $("#selected");
  if (!out) return;
  const n = document.querySelectorAll("input[form=bulk][name=id]:checked").length;
  out.textContent = n ? `${n} selected` : "None selected";
}

async function changeTheme(button) {
  root.dataset.theme = button.value;
  const form = button.form;
  await fetch(form.action, { method: "POST", body: new URLSearchParams({ theme: button.value }), credentials: "same-origin", redirect: "manual" });
}

// A button with data-key is what that key presses; in a list, only the chosen entry's.
function press(key) {
  const target = $(`[data-key="${CSS.escape(key)}"]`);
  if (!target) return false;
  target.click();
  const details = target.closest("details");
  if (details?.open) $("select, input:not([type=hidden])", details)?.focus();
  return true;
}

// Escape closes the form that a key or a click opened and goes back to its button; what was typed stays in it.
function leave(event) {
  const details = event.target.closest(".deeds details[open]") ?? $(".deeds details[open]");
  if (event.key !== "Escape" || !details || $("dialog[open]")) return;
  details.open = false;
  $("summary", details).focus();
}

const places = { d: "/", i: "/inbox", s: "/suppliers", h: "/sources" };
let afterG = 0;

function onKey(event) {
  if (!keysOn() || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input:not([type=checkbox]), select, textarea, dialog[open]")) return;
  const key = event.key;
  if (event.timeStamp - afterG < 1500 && places[key] && $(`.nav a[href="${places[key]}"]`)) {
    event.preventDefault();
    return location.assign(places[key]);
  }
  afterG = key === "g" ? event.timeStamp : 0;
  let done = true;
  if (key === "j") step(1);
  else if (key === "k") step(-1);
  else if (key === "x") $("li:has([data-row][aria-current]) input[name=id]")?.click();
  else if (key === "/") $("#search")?.focus();
  else if (key === "?") $("#keys")?.showModal();
  else done = ["1", "2", "3", "a"].includes(key) && press(key);
  if (done) event.preventDefault();
}

// What goes on is read again every few seconds, as long as somebody is there: without an end it would keep the session alive.
const beat = 3000;
const away = 10 * 60 * 1000;
let lastDeed = performance.now();
for (const deed of ["keydown", "pointerdown", "focus"]) addEventListener(deed, () => { lastDeed = performance.now(); });

async function refresh() {
  const live = $("#live[data-live]");
  if (!live) return;
  if (!document.hidden && performance.now() - lastDeed < away && !live.contains(document.activeElement)) {
    try {
      const fresh = $("#live", await fetchPage(location.href));
      if (fresh && !live.contains(document.activeElement)) live.replaceWith(document.adoptNode(fresh));
    } catch {
      // The next beat tries again.
    }
  }
  setTimeout(refresh, beat);
}

addEventListener("keydown", onKey);
addEventListener("keydown", leave);
addEventListener("change", count);
// Only entries that open() made are read again: a jump within the page also ends here.
addEventListener("popstate", (event) => { if (event.state?.list) location.reload(); });
addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  const row = event.target.closest("a[data-row]");
  const theme = event.target.closest("button[name=theme]");
  if (row) { event.preventDefault(); open(row); }
  else if (theme) { event.preventDefault(); changeTheme(theme); }
  else if (event.target.closest("[data-opens=keys]")) $("#keys").showModal();
  else if (event.target.closest("dialog [data-close]")) event.target.closest("dialog").close();
});
setTimeout(refresh, beat);
if ($("#detail")) history.replaceState({ list: true }, "");
count();
