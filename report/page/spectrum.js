/* One spectrum: decoding, and drawing with uPlot. SPDX-License-Identifier: BSD-3-Clause */

const LIGHT = 299792.458, LINES = [{ name: "C IV", rest: 1549, kind: "civ" }, { name: "Si IV", rest: 1398, kind: "siiv" }];
const CONTINUUM_EVERY = 4, BIN = 4, NO_FLUX = -32768, EDGE = 1e-6;
const FULL_UNTIL = 1720, NARROWEST = 5; /* A, rest frame */

function bytesOf(base64) {
  const text = atob(base64), bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return new DataView(bytes.buffer);
}

/* As report/spectra.h says. Rest wavelengths; null where there is nothing. A point is a pixel, or a bin of them. */
function decodeSpectrum(about, base64, z) {
  const bytes = bytesOf(base64), n = about.n, nfull = about.full;
  const s = { z, nfull, pixels: new Array(n).fill(1, 0, nfull).fill(BIN, nfull), rest: new Array(n), flux: new Array(n),
    error: new Array(n), low: new Array(n), high: new Array(n), continuum: new Array(n).fill(null), level: new Array(n).fill(null) };
  let at = 0;
  for (let i = 0; i < n; i++) {
    let observed = about.first + about.step * (i < nfull ? i : nfull + BIN * (i - nfull) + (BIN - 1) / 2);
    if (about.step === 0) observed = bytes.getFloat32(at, true), at += 4;
    s.rest[i] = observed / (1 + z);
  }
  for (let i = 0; i < n; i++, at += 2) {
    const value = bytes.getInt16(at, true);
    s.flux[i] = value === NO_FLUX ? null : value * about.flux;
  }
  for (let i = 0, from = 0; about.continuum > 0 && i < n; i++) {
    if (i % CONTINUUM_EVERY && i < nfull && i < n - 1) continue;
    s.continuum[i] = bytes.getInt16(at, true) * about.continuum;
    const slope = (s.continuum[i] - s.continuum[from]) / (s.rest[i] - s.rest[from]);
    for (let k = from + 1; k < i; k++) s.continuum[k] = s.continuum[from] + slope * (s.rest[k] - s.rest[from]);
    from = i, at += 2;
  }
  if (about.continuum > 0) s.level = s.continuum.map(value => 0.9 * value);
  for (let i = 0; i < n; i++, at++) {
    const level = bytes.getUint8(at), known = level > 0 && s.flux[i] !== null;
    s.error[i] = known ? about.error * 2 ** ((level - 255) / 16) : null;
    s.low[i] = known ? s.flux[i] - s.error[i] : null;
    s.high[i] = known ? s.flux[i] + s.error[i] : null;
  }
  return s;
}

/* Wavelengths of a trough in the rest frame; velocities are v/c = 1 - wavelength/line. */
const troughRange = t => [LINES[t.line].rest * (1 - t.vmax / LIGHT), LINES[t.line].rest * (1 - t.vmin / LIGHT)];

/* Bins of n pixels, or of one point that holds more, weighted by their inverse variance: what a screen can show of a wide
 * range. */
function binSpectrum(s, n) {
  if (n === 1) return { ...s, per: 1 };
  const b = { per: n, pixels: [], rest: [], flux: [], error: [], low: [], high: [], continuum: [], level: [] };
  for (let i = 0, end; i < s.rest.length; i = end) {
    end = Math.min(i + Math.max(1, n / s.pixels[i]), i < s.nfull ? s.nfull : s.rest.length);
    let weight = 0, sum = 0;
    for (let k = i; k < end; k++) {
      if (s.error[k] === null) continue;
      weight += s.error[k] ** -2;
      sum += s.flux[k] * s.error[k] ** -2;
    }
    const middle = i + Math.floor((end - 1 - i) / 2), flux = weight > 0 ? sum / weight : null;
    b.pixels.push((end - i) * s.pixels[i]);
    b.rest.push((s.rest[i] + s.rest[end - 1]) / 2);
    b.flux.push(flux);
    b.error.push(flux === null ? null : weight ** -0.5);
    b.low.push(flux === null ? null : flux - weight ** -0.5);
    b.high.push(flux === null ? null : flux + weight ** -0.5);
    b.continuum.push(s.continuum[middle]);
    b.level.push(s.level[middle]);
  }
  return b;
}

class SpectrumView {
  constructor(place, frame, readout, fluxName) {
    Object.assign(this, { place, frame, readout, fluxName, plot: null, spectrum: null, binned: null, troughs: [], view: null });
    new ResizeObserver(() => this.resize()).observe(frame);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.rebuild());
  }

  show(spectrum, troughs, label) {
    Object.assign(this, { spectrum, troughs, view: null });
    this.place.setAttribute("aria-label", label);
    this.rebuild();
  }

  clear(label) {
    this.plot?.destroy();
    Object.assign(this, { plot: null, spectrum: null, view: null });
    this.place.setAttribute("aria-label", label);
    this.readout.textContent = "";
  }

  full() {
    return [this.spectrum.rest[0], this.spectrum.rest[this.spectrum.rest.length - 1]];
  }

  /* What is looked at first: the troughs, and both emission lines. */
  home() {
    const [first, last] = this.full();
    return [first, Math.max(Math.min(last, FULL_UNTIL), first + NARROWEST)];
  }

  /* Bins of about two points of the screen. */
  pixelsPerBin() {
    const { nfull, pixels } = this.spectrum, [low, high] = this.view, [first, last] = this.full();
    const seen = last > first ? (nfull + BIN * (pixels.length - nfull)) * (high - low) / (last - first) : 1;
    return 2 ** Math.max(0, Math.min(6, Math.floor(Math.log2(2.2 * seen / this.size().width))));
  }

  rebin() {
    if (this.pixelsPerBin() !== this.binned.per) {
      this.binned = binSpectrum(this.spectrum, this.pixelsPerBin());
      this.plot.setData(this.data()); /* scales are asked for again: those of the view */
    }
    this.nameFlux();
  }

  data() {
    const b = this.binned;
    return [b.rest, b.low, b.high, b.flux, b.continuum, b.level];
  }

  /* The legend says what bins are in view. */
  nameFlux() {
    const { rest, nfull } = this.spectrum, { per } = this.binned, [low, high] = this.view;
    const edge = nfull < rest.length ? rest[nfull] : Infinity, most = Math.max(per, BIN);
    const near = low < edge ? per : most, far = high < edge ? per : most;
    const bins = near > 1 ? `, bins of ${near} pixels` : "";
    const beyond = far === near ? "" : `${near > 1 ? `, of ${far}` : `, bins of ${far} pixels`} beyond ${FULL_UNTIL} Å`;
    this.fluxName.textContent = `flux and error${bins}${beyond}`;
  }

  size() {
    return { width: Math.max(200, this.frame.clientWidth), height: Math.max(150, this.frame.clientHeight) };
  }

  resize() {
    if (!this.plot || this.frame.clientWidth === 0) return;
    this.rebin();
    this.plot.setSize(this.size());
  }

  rebuild() {
    const s = this.spectrum;
    this.plot?.destroy();
    this.plot = null;
    if (!s) return;
    this.view ??= this.home();
    this.binned = binSpectrum(s, this.pixelsPerBin());
    const style = getComputedStyle(document.documentElement), colour = name => style.getPropertyValue(`--${name}`).trim();
    const axis = { stroke: colour("quiet"), grid: { stroke: colour("line"), width: 0.5 }, ticks: { stroke: colour("line") } };
    const hidden = { stroke: "transparent", width: 0, points: { show: false } };
    this.plot = new uPlot({
      ...this.size(), padding: [4, 8, 0, 0], legend: { show: false },
      cursor: { drag: { x: false, y: false }, points: { show: false }, bind: { dblclick: () => () => this.showAll() } },
      scales: { x: { time: false, range: () => this.view }, y: { range: () => this.fluxRange() } },
      axes: [
        { ...axis, label: "rest wavelength (Å)", labelSize: 20, size: 34 },
        { ...axis, label: "flux (10⁻¹⁷ erg s⁻¹ cm⁻² Å⁻¹)", labelSize: 20, size: 46 },
        { ...axis, side: 0, scale: "x", size: 32, grid: { show: false }, label: "observed wavelength (Å)", labelSize: 18,
          splits: (u, k, low, high) => this.observedTicks(low, high),
          values: (u, ticks) => ticks.map(x => String(Math.round(x * (1 + s.z)))) },
      ],
      series: [{}, { ...hidden }, { ...hidden },
        { stroke: colour("flux"), width: 1, points: { show: false } },
        { stroke: colour("continuum"), width: 2, points: { show: false } },
        { stroke: colour("continuum"), width: 1.2, dash: [5, 4], points: { show: false } }],
      bands: [{ series: [2, 1], fill: colour("band") }],
      hooks: { drawClear: [u => this.drawTroughs(u, colour)], setCursor: [u => this.read(u)], ready: [u => this.listen(u)] },
    }, this.data(), this.place);
    this.nameFlux();
  }

  observedTicks(low, high) {
    const up = 1 + this.spectrum.z, step = roundStep((high - low) * up, 7), ticks = [];
    for (let v = Math.ceil(low * up / step) * step; v <= high * up; v += step) ticks.push(v / up);
    return ticks;
  }

  /* What is in view, but for a few pixels that are far off, and always 0. */
  fluxRange() {
    const { rest, flux, continuum } = this.binned, [low, high] = this.view, values = [];
    let top = 0;
    for (let i = 0; i < rest.length; i++) {
      if (rest[i] < low || rest[i] > high) continue;
      if (flux[i] !== null) values.push(flux[i]);
      if (continuum[i] > top) top = continuum[i];
    }
    values.sort((a, b) => a - b);
    const at = p => values.length ? values[Math.floor(p * (values.length - 1))] : 0;
    const bottom = Math.min(0, at(0.003));
    top = Math.max(top, at(0.997), bottom + EDGE);
    return [bottom - 0.03 * (top - bottom), top + 0.1 * (top - bottom)];
  }

  drawTroughs(u, colour) {
    const { ctx, bbox } = u, ratio = uPlot.pxRatio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.font = `${12 * ratio}px system-ui, sans-serif`;
    ctx.textBaseline = "top";
    ctx.textAlign = "left";
    for (const t of this.troughs) {
      const line = LINES[t.line], [from, to] = troughRange(t).map(x => u.valToPos(x, "x", true));
      ctx.fillStyle = colour(`${line.kind}-fill`);
      ctx.fillRect(from, bbox.top, to - from, bbox.height);
      ctx.strokeStyle = ctx.fillStyle = colour(line.kind);
      ctx.lineWidth = 3 * ratio;
      ctx.setLineDash(t.line === 0 ? [] : [6 * ratio, 4 * ratio]);
      ctx.beginPath();
      ctx.moveTo(from, bbox.top + 1.5 * ratio);
      ctx.lineTo(to, bbox.top + 1.5 * ratio);
      ctx.stroke();
      if (to - from > ctx.measureText(line.name).width + 4 * ratio) ctx.fillText(line.name, from + 3 * ratio, bbox.top + 6 * ratio);
    }
    ctx.restore();
  }

  read(u) {
    const i = u.cursor.idx, s = this.binned;
    if (i === null || i === undefined || !this.spectrum || !(u.cursor.left >= 0)) return void (this.readout.textContent = "");
    const rest = s.rest[i], velocity = LIGHT * (1 - rest / LINES[0].rest);
    const bin = s.pixels[i] > 1 ? ` in a bin of ${s.pixels[i]} pixels` : "";
    const flux = s.flux[i] === null ? "no flux" : `flux ${short(s.flux[i])} ± ${short(s.error[i])}${bin}`;
    const level = s.continuum[i] === null ? "" : `, continuum ${short(s.continuum[i])}`;
    this.readout.textContent = `${rest.toFixed(1)} Å at rest, ${(rest * (1 + this.spectrum.z)).toFixed(1)} Å observed: ${flux}${level}; ` +
      `${whole(Math.round(velocity))} km/s from C IV`;
  }

  /* ---- zoom and pan ---- */

  look(low, high) {
    if (!this.plot) return;
    const [first, last] = this.full(), width = Math.min(Math.max(high - low, NARROWEST), last - first);
    low = Math.min(Math.max((low + high - width) / 2, first), last - width);
    this.view = [low, low + width];
    this.rebin();
    this.plot.setScale("x", { min: low, max: low + width });
  }

  /* Of the C IV troughs where they are in view, else of the view. */
  middle() {
    const [low, high] = this.view, ends = this.troughs.filter(t => t.line === 0).flatMap(troughRange);
    const middle = (Math.min(...ends) + Math.max(...ends)) / 2;
    return middle > low && middle < high ? middle : (low + high) / 2;
  }

  zoom(factor, around) {
    if (!this.plot) return;
    const [low, high] = this.view;
    around ??= this.middle();
    this.look(around - (around - low) * factor, around + (high - around) * factor);
  }

  pan(part) {
    if (!this.plot) return;
    const [low, high] = this.view, by = part * (high - low);
    this.look(low + by, high + by);
  }

  showAll() {
    if (this.plot) this.look(...this.full());
  }

  listen(u) {
    u.over.addEventListener("wheel", event => {
      event.preventDefault();
      this.zoom(1.0015 ** event.deltaY, u.posToVal(event.offsetX, "x"));
    }, { passive: false });
    u.over.addEventListener("pointerdown", event => {
      if (event.button !== 0) return;
      const from = event.clientX, [low, high] = this.view, scale = (high - low) / u.over.clientWidth;
      const move = moved => this.look(low - (moved.clientX - from) * scale, high - (moved.clientX - from) * scale);
      u.over.setPointerCapture(event.pointerId);
      u.over.addEventListener("pointermove", move);
      u.over.addEventListener("lostpointercapture", () => u.over.removeEventListener("pointermove", move), { once: true });
    });
  }
}
