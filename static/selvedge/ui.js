// Everything works without this file. It adds: the reader's time zone, chart read-outs by pointer and arrow keys,
// a theme that changes without a reload, messages of partial updates, a copy button, and what folded lists have chosen.

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
if (zone && /^[A-Za-z0-9_+/-]+$/.test(zone)) {
  document.cookie = `tz=${zone}; path=/; max-age=31536000; samesite=lax`;
}

const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
tip.setAttribute("role", "status");
document.body.append(tip);

const pointsOf = (chart) => [...chart.querySelectorAll(".c-hit")];

function showPoint(chart, wanted) {
  const points = pointsOf(chart);
  if (!points.length) return;
  const index = Math.max(0, Math.min(points.length - 1, wanted));
  points.forEach((point, i) => point.classList.toggle("on", i === index));
  chart.dataset.at = index;
  const dot = points[index].querySelector(".c-dot").getBoundingClientRect();
  tip.textContent = points[index].dataset.tip;
  tip.hidden = false;
  const left = dot.x + dot.width / 2 - tip.offsetWidth / 2;
  // Setting properties from a script is allowed where style attributes in markup are not.
  tip.style.left = `${Math.max(8, Math.min(innerWidth - tip.offsetWidth - 8, left))}px`;
  tip.style.top = `${Math.max(8, dot.y - tip.offsetHeight - 10)}px`;
}

function hidePoints(chart) {
  tip.hidden = true;
  if (chart) pointsOf(chart).forEach((point) => point.classList.remove("on"));
}

const chartOf = (target) => target?.closest?.("[data-chart]");

document.addEventListener("pointerover", (event) => {
  const point = event.target.closest?.(".c-hit");
  if (!point) return;
  const chart = chartOf(point);
  showPoint(chart, pointsOf(chart).indexOf(point));
});

document.addEventListener("pointerout", (event) => {
  const chart = chartOf(event.target);
  if (chart && !chart.contains(event.relatedTarget)) hidePoints(chart);
});

document.addEventListener("keydown", (event) => {
  const chart = chartOf(event.target);
  if (!chart) return;
  const last = pointsOf(chart).length - 1;
  const at = chart.dataset.at === undefined ? null : Number(chart.dataset.at);
  const next = {
    ArrowRight: at === null ? 0 : at + 1,
    ArrowLeft: at === null ? last : at - 1,
    Home: 0,
    End: last,
  }[event.key];
  if (next !== undefined) {
    event.preventDefault();
    showPoint(chart, next);
  }
  if (event.key === "Escape") hidePoints(chart);
});

document.addEventListener("focusout", (event) => hidePoints(chartOf(event.target)));
addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });

document.addEventListener("submit", (event) => {
  if (!event.target.matches(".theme")) return;
  event.preventDefault();
  const value = event.submitter.value;
  document.documentElement.dataset.theme = value;
  document.querySelector('meta[name="color-scheme"]').content = value === "auto" ? "light dark" : value;
  for (const button of event.target.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button === event.submitter));
  }
  fetch(event.target.action, {
    method: "POST",
    body: new FormData(event.target, event.submitter),
    headers: { "HX-Request": "true" },
  }).catch(() => say("Your choice of theme could not be saved."));
});

function say(text) {
  document.getElementById("toast").textContent = text;
}

// Copy what an element shows: <button data-copy="#id of the element">.
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(document.querySelector(button.dataset.copy).textContent.trim());
    say("Copied.");
  } catch {
    say("Your browser did not allow copying. Select the text instead.");
  }
});

// A folded list of check boxes says what is chosen in it.
document.addEventListener("change", (event) => {
  const list = event.target.closest?.(".picker");
  const chosen = list?.querySelector(".chosen");
  if (!chosen) return;
  const names = [...list.querySelectorAll("input:checked")].map((box) => box.value);
  chosen.textContent = names.join(", ") || "none chosen";
});

// A view may answer with the header HX-Trigger: {"toast": "Saved."}
document.addEventListener("toast", (event) => say(event.detail.value));
document.addEventListener("htmx:afterSwap", (event) => event.detail.target?.querySelector?.("[autofocus]")?.focus());
document.addEventListener("htmx:responseError", () => say("That did not work. Try again, or reload the page."));
document.addEventListener("htmx:sendError", () => say("That did not reach us. Check your connection and try again."));
