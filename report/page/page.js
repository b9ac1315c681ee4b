/* The page: tabs, the table of BALs, verdicts and keys. SPDX-License-Identifier: BSD-3-Clause */

const byId = id => document.getElementById(id);
const data = JSON.parse(byId("data").textContent);
const quasars = data.quasars, QUASARS = quasars.TARGETID.length;
const STATUS = { 8: "more troughs than listed", 16: "low signal", 32: "not converged", 256: "chi-square limit",
  512: "negative continuum", 2048: "beyond the detector's training" };

/* ---- rows ---- */

const troughs = quasars.troughs.map(list => {
  const found = [];
  for (let i = 0; i < list.length; i += 3) found.push({ line: list[i], vmin: list[i + 1], vmax: list[i + 2] });
  return found;
});
const civ = i => troughs[i].filter(t => t.line === 0);
const spectrumOf = new Array(QUASARS).fill(-1);
data.spectra.forEach((s, k) => { spectrumOf[s.quasar] = k; });

function numbersOf(name) {
  return quasars[name] ?? null;
}

/* The numbers of a column that is 0 where nothing was assigned; null if there are none. */
function filled(name) {
  return numbersOf(name)?.some(v => v > 0) ? numbersOf(name) : null;
}

/* What can be filtered and sorted by; those with a title are columns of the table. */
const COLUMNS = [
  { key: "TARGETID", title: "TARGETID", width: "11rem", text: true },
  { key: "Z", title: "Z", width: "3.9rem", values: numbersOf("Z"), digits: 3 },
  { key: "SNR", title: "SNR", width: "3.8rem", values: numbersOf("SNR_CIV"), digits: 1 },
  { key: "AI", title: "AI", width: "4.1rem", values: numbersOf("AI_CIV"), digits: 0 },
  { key: "BI", title: "BI", width: "4.1rem", values: numbersOf("BI_CIV"), digits: 0 },
  { key: "P", title: "P", width: "3.4rem", values: filled("BAL_PROB"), digits: 2 },
  { key: "VERDICT", title: "Verdict", width: "5.4rem", text: true },
  { key: "VMIN", title: "VMIN", width: "4.6rem", values: troughs.map((t, i) => Math.min(...civ(i).map(c => c.vmin))), digits: 0 },
  { key: "VMAX", title: "VMAX", width: "4.6rem", values: troughs.map((t, i) => Math.max(...civ(i).map(c => c.vmax))), digits: 0 },
  { key: "WIDTH", title: "Width", width: "4.6rem", values: troughs.map((t, i) => Math.max(...civ(i).map(c => c.vmax - c.vmin))), digits: 0 },
  { key: "DEPTH", title: "Depth", width: "4.4rem", values: numbersOf("DEPTH_CIV"), digits: 2 },
  { key: "CHI2", title: "Chi²", width: "4.2rem", values: numbersOf("PCA_CHI2"), digits: 2 },
  { key: "EW", values: numbersOf("EW_CIV") },
  { key: "RA", values: numbersOf("TARGET_RA") },
  { key: "DEC", values: numbersOf("TARGET_DEC") },
  { key: "STATUS", values: numbersOf("BALSTATUS") },
].filter(c => c.text || c.values);
const SHOWN = COLUMNS.filter(c => c.title);
for (const c of COLUMNS) if (c.values) c.values = c.values.map(v => v === null || !Number.isFinite(v) ? NaN : v);

/* ---- verdicts ---- */

const STORE = `fastbal-report-${data.id}`;
let verdicts = {}, kept = true; /* by row of the catalog: { verdict, note } */
try {
  verdicts = JSON.parse(localStorage.getItem(STORE)) ?? {};
} catch {
  kept = false;
}
const saidOf = i => verdicts[quasars.row[i]] ?? { verdict: "", note: "" };

function say(i, change) {
  const said = { ...saidOf(i), ...change };
  if (said.verdict || said.note) verdicts[quasars.row[i]] = said;
  else delete verdicts[quasars.row[i]];
  try {
    localStorage.setItem(STORE, JSON.stringify(verdicts));
    kept = true;
  } catch {
    kept = false;
  }
  countVerdicts();
}

function countVerdicts() {
  const n = Object.keys(verdicts).length;
  byId("export").disabled = n === 0;
  byId("saved").textContent = kept
    ? `${whole(n)} ${n === 1 ? "quasar" : "quasars"} judged or noted, kept in this browser`
    : "This browser keeps nothing for this page: export the verdicts before you close it.";
}

function csvText() {
  const cell = text => /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  const lines = ["TARGETID,ROW,Z,AI_CIV,BI_CIV,VERDICT,NOTE"];
  for (let i = 0; i < QUASARS; i++) {
    const said = saidOf(i);
    if (!said.verdict && !said.note) continue;
    lines.push([quasars.TARGETID[i], quasars.row[i], quasars.Z[i] ?? "", quasars.AI_CIV[i] ?? "", quasars.BI_CIV[i] ?? "",
      said.verdict, said.note].map(v => cell(String(v))).join(","));
  }
  return lines.join("\n") + "\n";
}

function exportVerdicts() {
  const link = make("a", { download: "verdicts.csv", href: URL.createObjectURL(new Blob([csvText()], { type: "text/csv" })) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

/* ---- filter and order ---- */

const COMPARE = { "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b, "=": (a, b) => a === b };
let order = { key: "", down: false }, listed = [], chosen = -1;

/* Tests of a row, from a text such as "AI > 2000 Z<2.5 3963"; an error says what is not understood. */
function parseFilter(text) {
  const tests = [], names = COLUMNS.filter(c => c.values).map(c => c.key);
  const pieces = text.replace(/\s*([<>]=?|=)\s*/g, "$1").split(/[\s,;]+/).filter(Boolean);
  for (const piece of pieces) {
    const parts = /^([a-z]\w*?)(?:_CIV)?([<>]=?|=)([-+.\de]+)$/i.exec(piece);
    const column = parts && COLUMNS.find(c => c.values && c.key === parts[1].toUpperCase());
    if (/^-?\d+$/.test(piece)) tests.push(i => quasars.TARGETID[i].includes(piece));
    else if (column && Number.isFinite(Number(parts[3]))) tests.push(i => COMPARE[parts[2]](column.values[i], Number(parts[3])));
    else throw new Error(`“${piece}” is not understood: expected a condition such as AI>2000, of ${names.join(", ")}.`);
  }
  return tests;
}

function applyFilter() {
  const field = byId("filter"), verdict = byId("filter-verdict").value;
  let tests = [];
  byId("filter-error").textContent = "";
  field.removeAttribute("aria-invalid");
  try {
    tests = parseFilter(field.value);
  } catch (error) {
    byId("filter-error").textContent = error.message;
    field.setAttribute("aria-invalid", "true");
    return;
  }
  if (verdict) tests.push(i => saidOf(i).verdict === (verdict === "none" ? "" : verdict));
  if (byId("filter-spectrum").checked) tests.push(i => spectrumOf[i] >= 0);
  listed = [];
  for (let i = 0; i < QUASARS; i++) if (tests.every(test => test(i))) listed.push(i);
  sortListed();
  byId("scroller").scrollTop = 0;
  byId("count").textContent = QUASARS === 0 ? "The catalog has no BALs." : `${whole(listed.length)} of ${whole(QUASARS)} listed`;
  choose(listed.includes(chosen) ? chosen : listed[0] ?? -1);
}

/* Rows without a value come last either way; equal ones stay in the order of the catalog. */
function sortListed() {
  const column = COLUMNS.find(c => c.key === order.key), sign = order.down ? -1 : 1;
  const ids = order.key === "TARGETID" && quasars.TARGETID.map(BigInt);
  const compare = (a, b) => {
    if (ids) return sign * (ids[a] < ids[b] ? -1 : ids[a] > ids[b] ? 1 : 0);
    if (order.key === "VERDICT") return sign * saidOf(a).verdict.localeCompare(saidOf(b).verdict);
    const x = column.values[a], y = column.values[b];
    if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y);
    return sign * (x - y);
  };
  listed.sort((a, b) => (column ? compare(a, b) : 0) || a - b);
}

function sortBy(key) {
  const text = COLUMNS.find(c => c.key === key).text;
  order = order.key === key ? { key, down: !order.down } : { key, down: !text };
  for (const cell of byId("head").children) {
    const mine = cell.dataset.key === key;
    cell.setAttribute("aria-sort", mine ? (order.down ? "descending" : "ascending") : "none");
    cell.firstChild.lastChild.textContent = mine ? (order.down ? " ▾" : " ▴") : "";
  }
  sortListed();
  choose(chosen);
}

/* ---- the table: rows in view, and no others ---- */

const ROW = 28, grid = SHOWN.map(c => c.width).join(" ");

function cellText(column, i) {
  if (column.key === "TARGETID") return quasars.TARGETID[i];
  if (column.key === "VERDICT") return saidOf(i).verdict + (saidOf(i).note ? " ✎" : "");
  const v = column.values[i];
  return Number.isNaN(v) ? "–" : v.toFixed(column.digits);
}

function rowOf(place) {
  const i = listed[place];
  const row = make("div", { role: "row", id: `row-${place}`, "aria-rowindex": place + 2, "aria-selected": i === chosen });
  row.style.top = `${place * ROW}px`;
  row.style.gridTemplateColumns = grid;
  if (spectrumOf[i] < 0) row.className = "lacks";
  row.append(...SHOWN.map(c => make("div", { role: "gridcell", class: c.text ? "text" : "number" }, cellText(c, i))));
  row.addEventListener("click", () => choose(i));
  return row;
}

function drawRows() {
  const scroller = byId("scroller"), rows = byId("rows");
  const first = Math.max(0, Math.floor(scroller.scrollTop / ROW) - 5);
  const end = Math.min(listed.length, first + Math.ceil(scroller.clientHeight / ROW) + 12);
  rows.style.height = `${listed.length * ROW}px`;
  rows.replaceChildren();
  for (let k = first; k < end; k++) rows.append(rowOf(k));
  scroller.setAttribute("aria-rowcount", listed.length + 1);
  const place = listed.indexOf(chosen);
  if (place >= first && place < end) scroller.setAttribute("aria-activedescendant", `row-${place}`);
  else scroller.removeAttribute("aria-activedescendant");
}

/* Scroll to the chosen row. */
function reveal() {
  const scroller = byId("scroller"), place = listed.indexOf(chosen), room = scroller.clientHeight - byId("head").offsetHeight;
  if (place < 0) return;
  if (place * ROW < scroller.scrollTop) scroller.scrollTop = place * ROW;
  else if ((place + 1) * ROW > scroller.scrollTop + room) scroller.scrollTop = (place + 1) * ROW - room;
}

function drawHead() {
  const head = byId("head");
  head.style.gridTemplateColumns = grid;
  for (const c of SHOWN) {
    const button = make("button", { type: "button" }, c.title, make("span", { "aria-hidden": "true" }));
    button.addEventListener("click", () => sortBy(c.key));
    head.append(make("div", { role: "columnheader", "aria-sort": "none", "data-key": c.key, class: c.text ? "text" : "number" }, button));
  }
}

/* ---- the chosen quasar ---- */

const view = new SpectrumView(byId("plot"), byId("plot-frame"), byId("readout"), byId("flux-name"));

function statusWords(i) {
  const status = quasars.BALSTATUS?.[i] ?? 0;
  const words = Object.entries(STATUS).filter(([bit]) => status > 0 && status & bit).map(([, text]) => text);
  return words.length ? `; ${words.join(", ")}` : "";
}

function describe(i) {
  const n = (name, digits) => quasars[name] && quasars[name][i] !== null ? quasars[name][i].toFixed(digits) : null;
  const error = name => n(name, 0) === null ? "" : ` ± ${n(name, 0)}`;
  const parts = [`z ${n("Z", 4) ?? "–"}`, n("SNR_CIV", 1) && `SNR ${n("SNR_CIV", 1)}`,
    filled("BAL_PROB") && `P ${n("BAL_PROB", 2) ?? "–"}`,
    `AI ${n("AI_CIV", 0) ?? "–"}${error("ERR_AI_CIV")}`, `BI ${n("BI_CIV", 0) ?? "–"}${error("ERR_BI_CIV")} km/s`,
    n("TARGET_RA", 4) && `RA ${n("TARGET_RA", 4)}, Dec ${n("TARGET_DEC", 4) ?? "–"}`];
  const lines = [make("h2", {}, quasars.TARGETID[i]), make("p", {}, parts.filter(Boolean).join(" · ") + statusWords(i))];
  const about = data.spectra[spectrumOf[i]];
  if (about && Math.abs(about.ai - quasars.AI_CIV[i]) > 1 + 0.001 * quasars.AI_CIV[i]) {
    lines.push(make("p", { class: "error" }, `Measured again for this page, AI is ${about.ai.toFixed(0)} km/s: the continuum ` +
      "drawn is not the catalog's."));
  }
  byId("about").replaceChildren(...lines);
}

function showSpectrum(i) {
  const k = i < 0 ? -1 : spectrumOf[i];
  byId("message").textContent = k >= 0 ? "" : i < 0 ? "No quasar is chosen." : "This quasar's spectrum is not in the page.";
  if (k < 0) return view.clear(byId("message").textContent);
  const s = decodeSpectrum(data.spectra[k], byId(`spectrum-${k}`).textContent, quasars.Z[i]);
  view.show(s, troughs[i], `Spectrum of ${quasars.TARGETID[i]} with ${troughs[i].length} troughs: ` +
    troughs[i].map(t => `${LINES[t.line].name} ${Math.round(t.vmin)} to ${Math.round(t.vmax)} km/s`).join(", "));
}

function choose(i) {
  const changed = i !== chosen;
  chosen = i;
  byId("note").value = i < 0 ? "" : saidOf(i).note;
  for (const button of document.querySelectorAll("[data-verdict]")) {
    button.disabled = i < 0;
    button.setAttribute("aria-pressed", i >= 0 && saidOf(i).verdict === button.dataset.verdict);
  }
  const place = listed.indexOf(i);
  byId("note").disabled = i < 0;
  byId("previous").disabled = place <= 0;
  byId("next").disabled = place < 0 || place >= listed.length - 1;
  reveal();
  drawRows();
  if (!changed && i >= 0) return;
  if (i < 0) byId("about").replaceChildren();
  else describe(i);
  showSpectrum(i);
}

function step(by) {
  const place = listed.indexOf(chosen) + by;
  if (place >= 0 && place < listed.length) choose(listed[place]);
}

function judge(verdict) {
  if (chosen < 0) return;
  const taken = saidOf(chosen).verdict === verdict;
  say(chosen, { verdict: taken ? "" : verdict });
  choose(chosen);
  if (!taken && byId("advance").checked) step(1);
}

/* ---- keys ---- */

const KEYS = { j: () => step(1), k: () => step(-1), b: () => judge("BAL"), n: () => judge("not BAL"), u: () => judge("unsure"),
  e: () => byId("note").focus(), "/": () => byId("filter").focus(), "+": () => view.zoom(0.6), "=": () => view.zoom(0.6),
  "-": () => view.zoom(1 / 0.6), 0: () => view.showAll(), "[": () => view.pan(-0.25), "]": () => view.pan(0.25) };
const PLOT_KEYS = { ArrowLeft: () => view.pan(-0.1), ArrowRight: () => view.pan(0.1), ArrowUp: () => view.zoom(0.8),
  ArrowDown: () => view.zoom(1.25) };
const PAGE = 10;
const LIST_KEYS = { ArrowDown: () => step(1), ArrowUp: () => step(-1), Home: () => choose(listed[0] ?? -1),
  End: () => choose(listed[listed.length - 1] ?? -1),
  PageDown: () => step(Math.min(PAGE, listed.length - 1 - listed.indexOf(chosen))),
  PageUp: () => step(-Math.min(PAGE, listed.indexOf(chosen))) };

function onKey(event) {
  if (byId("inspector").hidden || event.ctrlKey || event.altKey || event.metaKey) return;
  const field = event.target;
  if (field.matches("input[type=text], input[type=search]")) {
    if (event.key === "Escape" || (event.key === "Enter" && field.id === "note")) {
      event.preventDefault();
      byId("scroller").focus();
    }
    return;
  }
  if (field.matches("select")) return;
  const act = (field.id === "scroller" && LIST_KEYS[event.key]) || (field.id === "plot" && PLOT_KEYS[event.key]) ||
    KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act();
}

/* ---- parts of the page ---- */

const TABS = ["overview", "inspector", "provenance"];
let overviewIsDrawn = false;

function openTab(name, focus) {
  for (const other of TABS) {
    const tab = byId(`tab-${other}`);
    byId(other).hidden = other !== name;
    tab.setAttribute("aria-selected", other === name);
    tab.tabIndex = other === name ? 0 : -1;
    if (other === name && focus) tab.focus();
  }
  if (name === "overview" && !overviewIsDrawn) {
    overviewIsDrawn = true;
    if (data.measured > 0) drawOverview(data, byId("figures"));
  }
  if (name === "inspector") {
    drawRows();
    view.resize();
  }
  history.replaceState(null, "", `#show-${name}`); /* no id: the focus would go there */
}

function setUpTabs() {
  for (const name of TABS) {
    byId(`tab-${name}`).addEventListener("click", () => openTab(name));
    byId(`tab-${name}`).addEventListener("keydown", event => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (by) openTab(TABS[(TABS.indexOf(name) + by + TABS.length) % TABS.length], true);
    });
  }
  const asked = location.hash.replace("#show-", "");
  openTab(TABS.includes(asked) ? asked : "overview");
}

function fillOverview() {
  const share = (n, of) => of > 0 ? ` ${percent(n / of)}` : "";
  const number = (name, n, more = "") => make("div", {}, make("dt", {}, name), make("dd", {}, whole(n), make("small", {}, more)));
  byId("numbers").append(number("rows", data.rows), number("measured", data.measured, share(data.measured, data.rows)),
    number("BALs, AI > 0", data.ai, share(data.ai, data.measured)), number("BALs, BI > 0", data.bi, share(data.bi, data.measured)));
  const lost = data.not_measured.map(([why, n]) => `${whole(n)} ${why}`).join(", ");
  byId("remarks").textContent = [
    data.rows === 0 ? "The catalog has no rows." : data.measured === 0 ? "No quasar was measured." : "",
    data.measured > 0 && data.bals === 0 ? "There are no BALs among the quasars that were measured." : "",
    lost && `Not measured: ${lost}.`,
    data.measured > 0 ? "Faint spectra hide troughs: compare fractions at the same signal-to-noise." : "",
  ].filter(Boolean).join(" ");
}

function fillProvenance() {
  const body = byId("provenance-table").tBodies[0];
  const rows = [["catalog", data.catalog], ["table", data.table], ...data.provenance];
  body.append(...rows.map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value))));
  byId("made-by").textContent = `This page was made by ${data.program}; spectra are drawn with uPlot.`;
}

function setUpInspector() {
  const n = data.spectra.length, others = quasars.bal.length - n;
  byId("left-out").textContent = [
    n > 0 && others > 0 ? `${whole(n)} of ${whole(QUASARS)} have their spectrum in the page` +
      (data.asked < QUASARS ? `: ${whole(data.asked)} were asked for (--spectra, --targetids).` : ".") : "",
    n === 0 && QUASARS > 0 && !data.note ? "The page was made without spectra (--spectra 0)." : "",
    data.note ?? "",
  ].filter(Boolean).join(" ");
  byId("filter-names").textContent = COLUMNS.filter(c => c.values).map(c => c.key).join(" ");
  byId("filter-spectrum").checked = n > 0 && others > 0;
  byId("filter-spectrum").disabled = n === 0;
  drawHead();
  byId("filters").addEventListener("input", applyFilter);
  byId("filters").addEventListener("submit", event => event.preventDefault());
  byId("scroller").addEventListener("scroll", drawRows, { passive: true });
  new ResizeObserver(drawRows).observe(byId("scroller"));
  byId("previous").addEventListener("click", () => step(-1));
  byId("next").addEventListener("click", () => step(1));
  byId("zoom-in").addEventListener("click", () => view.zoom(0.6));
  byId("zoom-out").addEventListener("click", () => view.zoom(1 / 0.6));
  byId("zoom-all").addEventListener("click", () => view.showAll());
  byId("export").addEventListener("click", exportVerdicts);
  byId("note").addEventListener("input", () => {
    say(chosen, { note: byId("note").value });
    drawRows();
  });
  for (const button of document.querySelectorAll("[data-verdict]")) {
    button.addEventListener("click", () => judge(button.dataset.verdict));
  }
  document.addEventListener("keydown", onKey);
  countVerdicts();
  applyFilter();
}

document.title = `BAL report: ${data.catalog.split("/").pop()}`;
byId("catalog").textContent = data.catalog;
fillOverview();
fillProvenance();
setUpInspector();
setUpTabs();
