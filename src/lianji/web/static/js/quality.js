// Quality codes: the top two bits are the severity (OPC 10000-4, 7.39).

export function severity(code) {
  if ((code & 0x8000) !== 0) return "bad";
  return (code & 0x4000) !== 0 ? "uncertain" : "good";
}

// Stretches of one series that are not good: [{from, to, severity}], times in ms. A sample's
// quality holds until the next sample, the last one's until endMs.
export function stretches({ times, quality }, endMs) {
  const found = [];
  for (let i = 0; i < times.length; i += 1) {
    const kind = severity(quality[i]);
    if (kind === "good") continue;
    const to = i + 1 < times.length ? times[i + 1] : Math.max(endMs, times[i]);
    const last = found.at(-1);
    if (last && last.to === times[i] && last.severity === kind) last.to = to;
    else found.push({ from: times[i], to, severity: kind });
  }
  return found;
}
