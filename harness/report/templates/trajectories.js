// The picture of trajectories, and the table of the runs in it.

const runs = data.runs && {
  ...data.runs,
  epoch: unpack(data.runs.epoch, Uint32Array),
  loss: unpack(data.runs.loss, Float32Array), // logarithms to base 10
};
if (runs) {
  let end = 0; // each run begins where the one before it ends
  runs.first = runs.lengths.map((length) => (end += length) - length);
}

// Epoch 0 has no logarithm: it is drawn at 0.5.
const atEpoch = (epoch) => (data.log_epochs ? Math.max(epoch, 0.5) : epoch);

function epochAxis(last) {
  if (!data.log_epochs) return axis("epoch", { rangemode: "tozero" });
  const powers = [];
  for (let at = 1; at <= last; at *= 10) powers.push(at);
  return axis("epoch", {
    type: "log", tickvals: [0.5, ...powers], ticktext: ["0", ...powers.map((at) => at.toLocaleString("en"))],
  });
}

const SHARES = ["0.05", "0.25", "0.5", "0.75", "0.95"];

function bandTraces() {
  if (!data.bands) return [];
  const { band } = look();
  const x = data.bands.epoch.map(atEpoch);
  // A quantile at infinity leaves the picture at the top.
  const upTo = (share) => data.bands[share].map((value) => value ?? 1e300);
  const pair = (low, high, strength, name) => [
    { x, y: upTo(low), mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false },
    { x, y: upTo(high), mode: "lines", line: { width: 0 }, hoverinfo: "skip", fill: "tonexty",
      fillcolor: `rgba(${band}, ${strength})`, name, showlegend: true },
  ];
  return [
    ...pair("0.05", "0.95", 0.18, "90 % of all"),
    ...pair("0.25", "0.75", 0.28, "50 % of all"),
    { x, y: data.bands["0.5"], mode: "lines", line: { color: `rgb(${band})`, width: 2, dash: "dot" },
      name: "median", hovertemplate: `median of all<br>epoch %{x}<br>${data.loss} %{y:.4g}<extra></extra>` },
  ];
}

function runTraces(chosen) {
  const { status } = look();
  const seen = new Set();
  return chosen.map((at) => {
    const from = runs.first[at], to = from + runs.lengths[at];
    const epochs = Array.from(runs.epoch.subarray(from, to));
    const name = data.statuses[runs.status[at]];
    const known = seen.has(name);
    seen.add(name);
    return {
      x: epochs.map(atEpoch), y: Array.from(runs.loss.subarray(from, to), (log) => 10 ** log), customdata: epochs,
      mode: epochs.length < 2 ? "markers" : "lines", name, legendgroup: name, showlegend: !known,
      line: { color: status[runs.status[at]], width: 1.7, dash: name === DIVERGED ? "dash" : "solid" },
      marker: { color: status[runs.status[at]] },
      hovertemplate: `run ${runs.run_id[at]}, init ${runs.init_id[at]}<br>` +
        `epoch %{customdata}<br>${data.loss} %{y:.4g}<extra></extra>`,
    };
  });
}

/** A logarithmic axis for some numbers: ticks at decades, or between them if they are few. */
function logAxis(title, numbers) {
  const logs = numbers.filter((value) => value > 0 && value < Infinity).map(Math.log10);
  if (!logs.length) return axis(title, { type: "log" });
  let low = Infinity, high = -Infinity;
  for (const log of logs) { low = Math.min(low, log); high = Math.max(high, log); }
  const span = high - low, margin = 0.05 * span + 0.05;
  const range = [low - margin, high + margin];
  if (span > 2) return axis(title, { type: "log", exponentformat: "power", dtick: Math.ceil(span / 8), range });
  const { tickvals, ticktext } = logTicks(...range);
  return axis(title, { type: "log", tickvals: tickvals.map((at) => 10 ** at), ticktext, range });
}

function drawFalls(id, chosen) {
  let last = data.bands ? Math.max(...data.bands.epoch) : 0;
  chosen.forEach((at) => { last = Math.max(last, runs.epochs[at]); });
  const lines = runTraces(chosen);
  // Bands of runs that diverge would flatten everything else: only their beginning, their lower
  // edge and the median have to be in the picture. Values far above the first ones leave it.
  const values = lines.flatMap(({ y }) => y);
  const first = lines.map(({ y }) => y[0]);
  if (data.bands) {
    values.push(...SHARES.map((share) => data.bands[share][0]), ...data.bands["0.5"], ...data.bands["0.05"]);
    first.push(...SHARES.map((share) => data.bands[share][0]));
  }
  const top = 1e6 * Math.max(...first.filter((value) => value < Infinity));
  const seen = values.filter((value) => value <= top);
  draw(id, [...bandTraces(), ...lines], {
    xaxis: epochAxis(last),
    yaxis: logAxis(data.loss, seen),
    uirevision: `${id} ${chosen.join()}`,
  });
}

function runTable(chosen, caption) {
  const table = document.createElement("table");
  table.append(element("caption", caption));
  const head = table.createTHead().insertRow();
  for (const name of ["run_id", "init_id", "status", "epochs", `final ${data.loss}`]) {
    head.append(element("th", name, { scope: "col" }));
  }
  const body = table.createTBody();
  for (const at of chosen) {
    const row = body.insertRow();
    row.append(element("th", runs.run_id[at], { scope: "row" }));
    for (const text of [
      runs.init_id[at], data.statuses[runs.status[at]], runs.epochs[at].toLocaleString("en"), shown(runs.loss_final[at]),
    ]) row.append(element("td", text));
  }
  const wide = element("div", "", { className: "wide", tabIndex: 0 });
  wide.setAttribute("role", "region");
  wide.setAttribute("aria-label", caption);
  wide.append(table);
  return wide;
}

const sampleNote = () => (data.bands
  ? `Bands are quantiles over ${data.bands.runs === data.bands.all ? "all" : "a sample of"} ${data.bands.runs.toLocaleString("en")} runs. ` : "");
