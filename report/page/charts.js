/* Figures of the overview, as SVG. SPDX-License-Identifier: BSD-3-Clause */

const SVG = "http://www.w3.org/2000/svg";

/* An element of the page, or with the name "svg:..." of a figure. Texts never become markup. */
function make(name, attributes = {}, ...children) {
  const svg = name.startsWith("svg:");
  const element = svg ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter(child => child !== null));
  return element;
}

const whole = n => n.toLocaleString("en");

function short(x) {
  if (x === null || Number.isNaN(x)) return "–";
  return Number(x.toPrecision(3)).toLocaleString("en", { maximumFractionDigits: 4 });
}

const percent = x => x === null ? "–" : `${(100 * x).toFixed(x < 0.0995 ? 2 : 1)}%`;

/* A round step with about n of them in a range. */
function roundStep(range, n) {
  const size = 10 ** Math.floor(Math.log10(range / n));
  return size * ([1, 2, 5].find(k => range / (k * size) <= n * 1.2) ?? 10);
}

const FRAME = { width: 380, height: 215, left: 46, right: 16, top: 8, bottom: 36 };

/* Axes of bins of the same width on paper, whatever their edges are. Returns what places things in it. */
function binAxes(svg, edges, top, xlabel, yformat) {
  const f = FRAME, n = edges.length - 1;
  const x = i => f.left + (f.width - f.left - f.right) * i / n;
  const y = v => f.height - f.bottom - (f.height - f.top - f.bottom) * v / top;
  const step = roundStep(top, 4);
  for (let v = 0; v <= top * 1.0001; v += step) {
    svg.append(make("svg:line", { class: "grid", x1: f.left, x2: f.width - f.right, y1: y(v), y2: y(v) }),
      make("svg:text", { x: f.left - 5, y: y(v) + 4, "text-anchor": "end" }, yformat(v)));
  }
  const every = [1, 2, 4, 5, 10].find(k => n / k <= 8);
  for (let i = 0; i <= n; i += every) {
    const text = edges[i] >= 10000 ? `${edges[i] / 1000}k` : short(edges[i]);
    svg.append(make("svg:line", { class: "axis", x1: x(i), x2: x(i), y1: y(0), y2: y(0) + 4 }),
      make("svg:text", { x: x(i), y: y(0) + 16, "text-anchor": "middle" }, text));
  }
  svg.append(make("svg:line", { class: "axis", x1: f.left, x2: f.width - f.right, y1: y(0), y2: y(0) }),
    make("svg:text", { x: (f.left + f.width - f.right) / 2, y: f.height - 4, "text-anchor": "middle" }, xlabel));
  return { x, y };
}

function figure(title, hint, svg, names) {
  const caption = make("figcaption", {}, title, hint ? make("p", { class: "hint" }, hint) : null);
  const list = names.length < 2 ? null : make("ul", { class: "names" }, ...names.map(([text, kind, shape]) => {
    const sample = make("svg:svg", { viewBox: "0 0 12 12", "aria-hidden": "true" });
    sample.append(marker(shape, 6, 6, kind));
    return make("li", {}, sample, text);
  }));
  return make("figure", {}, caption, svg, list);
}

/* Series differ in shape, not in colour alone. */
function marker(shape, x, y, kind) {
  if (shape === "bar") return make("svg:rect", { class: `${kind} none`, x: x - 6, y: y - 5, width: 12, height: 10 });
  if (shape === "square") return make("svg:rect", { class: `${kind} none`, x: x - 3.5, y: y - 3.5, width: 7, height: 7 });
  return make("svg:circle", { class: `${kind} none`, cx: x, cy: y, r: 3.8 });
}

function frame(label) {
  return make("svg:svg", { viewBox: `0 0 ${FRAME.width} ${FRAME.height}`, role: "img", "aria-label": label });
}

const range = (edges, i) => `${short(edges[i])} to ${short(edges[i + 1])}`;

/* Bars; several series stand in front of one another. series: [[name, key], ...], the longest first. */
function barChart(title, bins, series, xlabel, hint) {
  const counts = series.map(([, key]) => bins[key]);
  const total = counts.map(c => c.reduce((a, b) => a + b, 0));
  const top = Math.max(1, ...counts.flat()) * 1.05;
  const svg = frame(`${title}: ${series.map(([name], k) => `${whole(total[k])} ${name}`).join(", ")}`);
  const { x, y } = binAxes(svg, bins.edges, top, xlabel, whole);
  const inset = [0.5, 0.5 + (x(1) - x(0)) / 5];
  counts.forEach((count, k) => count.forEach((n, i) => {
    if (n === 0) return;
    const bar = make("svg:rect", { class: `${series[k][1]} none`, x: x(i) + inset[k], y: y(n),
      width: x(1) - x(0) - 2 * inset[k], height: y(0) - y(n) });
    bar.append(make("svg:title", {}, `${range(bins.edges, i)}: ${whole(n)} ${series[k][0]}`));
    svg.append(bar);
  }));
  const outside = bins.outside[series[0][1] === "measured" ? 0 : series[0][1] === "ai" ? 1 : 2];
  const note = [hint, outside > 0 ? `${whole(outside)} outside` : ""].filter(Boolean).join("; ");
  return figure(title, note, svg, series.map(([name, key]) => [name, key, "bar"]));
}

/* Fractions with their errors. */
function fractionChart(title, bins, xlabel) {
  const series = [["AI > 0", "ai", "circle", -0.12], ["BI > 0", "bi", "square", 0.12]];
  /* A bin of a few quasars has a long error bar, which may be cut. */
  const needed = bins.ai_fraction.map(([value, , high], i) => bins.measured[i] < 20 ? value ?? 0 : high);
  const top = Math.min(1, Math.max(0.02, ...needed) * 1.1);
  const svg = frame(title);
  const { x, y } = binAxes(svg, bins.edges, top, xlabel, v => `${Number((100 * v).toPrecision(3))}%`);
  for (const [name, key, shape, shift] of series) {
    bins[`${key}_fraction`].forEach(([value, low, high], i) => {
      if (value === null) return;
      const at = x(i + 0.5 + shift);
      const point = make("svg:g", {}, make("svg:title", {}, `${range(bins.edges, i)}: ${percent(value)} with ${name}, ` +
        `${percent(low)} to ${percent(high)} (${whole(bins[key][i])} of ${whole(bins.measured[i])})`),
      make("svg:line", { class: `${key} error-bar`, x1: at, x2: at, y1: y(low), y2: y(Math.min(high, top)) }),
      marker(shape, at, y(value), key));
      svg.append(point);
    });
  }
  return figure(title, "of the quasars measured; errors are binomial, 68%", svg, series);
}

/* The sky, RA to the left: cells where quasars were measured, and the BALs that are listed. */
function skyMap(data) {
  const title = "Sky", f = { ...FRAME, width: 780, height: 330 };
  const svg = make("svg:svg", { viewBox: `0 0 ${f.width} ${f.height}`, role: "img",
    "aria-label": `Sky: ${whole(data.measured)} quasars measured, ${whole(data.bals)} BALs` });
  const cell = data.sky_cell, cells = data.sky;
  if (cells.length === 0) return null;
  const ras = cells.map(c => c[0]), decs = cells.map(c => c[1]);
  /* A survey over RA 0 is drawn around it, not cut in two. */
  const wraps = Math.min(...ras) < 60 && Math.max(...ras) > 300 && !ras.some(r => r > 170 && r < 190);
  const turn = ra => wraps && ra >= 180 ? ra - 360 : ra;
  const edge = (values, low, high) => {
    const a = Math.min(...values) - cell, b = Math.max(...values) + 2 * cell;
    return [Math.max(low, a), Math.min(high, b)];
  };
  let [west, east] = edge(ras.map(turn), wraps ? -180 : 0, wraps ? 180 : 360), [south, north] = edge(decs, -90, 90);
  const scale = Math.min((f.width - f.left - f.right) / (east - west), (f.height - f.top - f.bottom) / (north - south));
  const x = ra => f.left + (east - ra) * scale, y = dec => f.top + (north - dec) * scale;
  f.height = y(south) + f.bottom;
  svg.setAttribute("viewBox", `0 0 ${Math.max(x(west) + f.right, 300)} ${f.height}`);
  svg.style.maxWidth = `${Math.max(x(west) + f.right, 300)}px`;
  const most = Math.max(...cells.map(c => c[2]));
  for (const [ra, dec, n, bals] of cells) {
    const box = make("svg:rect", { class: "measured none", x: x(turn(ra) + cell), y: y(dec + cell), width: cell * scale,
      height: cell * scale, "fill-opacity": 0.25 + 0.75 * Math.sqrt(n / most) });
    box.append(make("svg:title", {}, `RA ${ra} to ${ra + cell}, Dec ${dec} to ${dec + cell}: ${whole(n)} measured, ` +
      `${whole(bals)} with AI > 0`));
    svg.append(box);
  }
  const q = data.quasars, bals = [];
  for (let i = 0; i < q.TARGETID.length; i++) {
    if (q.bal[i] && q.TARGET_RA && q.TARGET_RA[i] !== null && q.TARGET_DEC[i] !== null) bals.push(i);
  }
  const every = Math.ceil(bals.length / 5000);
  let path = "";
  for (let k = 0; k < bals.length; k += every) {
    path += `M${x(turn((q.TARGET_RA[bals[k]] % 360 + 360) % 360)).toFixed(1)} ${y(q.TARGET_DEC[bals[k]]).toFixed(1)}h0`;
  }
  svg.append(make("svg:path", { class: "ai", d: path, "stroke-width": bals.length > 1000 ? 2 : 3.5, "stroke-linecap": "round",
    "pointer-events": "none" }));
  const axis = (low, high, n, place) => {
    const step = Math.max(1, roundStep(high - low, n));
    for (let v = Math.ceil(low / step) * step; v <= high; v += step) place(v);
  };
  axis(west, east, 8, v => svg.append(make("svg:text", { x: x(v), y: y(south) + 16, "text-anchor": "middle" },
    `${(v + 360) % 360}°`)));
  axis(south, north, 5, v => svg.append(make("svg:text", { x: f.left - 5, y: y(v) + 4, "text-anchor": "end" }, `${v}°`)));
  svg.append(make("svg:rect", { class: "axis", x: x(east), y: y(north), width: x(west) - x(east), height: y(south) - y(north) }),
    make("svg:text", { x: (x(east) + x(west)) / 2, y: f.height - 4, "text-anchor": "middle" }, "RA"));
  const drawn = figure(title, every > 1 ? `one in ${every} BALs is drawn` : "", svg,
    [["quasars measured", "measured", "bar"], ["BALs", "ai", "circle"]]);
  drawn.classList.add("broad");
  return drawn;
}

function drawOverview(data, place) {
  const h = data.histograms, both = [["measured", "measured"], ["with AI > 0", "ai"]];
  const kms = "km/s";
  place.append(...[
    fractionChart("BAL fraction against redshift", h.z, "redshift"),
    h.snr && fractionChart("BAL fraction against signal-to-noise", h.snr, "SNR_CIV"),
    barChart("Redshift", h.z, both, "redshift"),
    h.snr && barChart("Signal-to-noise", h.snr, both, "SNR_CIV"),
    barChart("Absorption index", h.ai, [["BALs", "ai"]], `AI_CIV, ${kms}`),
    barChart("Balnicity index", h.bi, [["BALs with BI > 0", "bi"]], `BI_CIV, ${kms}`),
    barChart("Red ends of C IV troughs", h.vmin, [["troughs", "ai"]], `VMIN, ${kms}`),
    barChart("Blue ends of C IV troughs", h.vmax, [["troughs", "ai"]], `VMAX, ${kms}`),
    barChart("Widths of C IV troughs", h.width, [["troughs", "ai"]], kms),
    h.depth && barChart("Mean depths", h.depth, [["BALs", "ai"]], "DEPTH_CIV"),
    h.chi2 && barChart("Reduced chi-square", h.chi2, both, "PCA_CHI2"),
    skyMap(data),
  ].filter(Boolean));
}
