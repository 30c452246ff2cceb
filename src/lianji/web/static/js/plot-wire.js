// Reads the binary answer of /api/plot (see plot_wire.py): numbers are used where they lie.

const MAGIC = "LJP1";

export function decodePlot(buffer) {
  const bytes = new Uint8Array(buffer);
  if (new TextDecoder().decode(bytes.subarray(0, 4)) !== MAGIC) throw new Error("not a plot");
  const length = new DataView(buffer).getUint32(4, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  const series = header.tags.map(({ path, rows, offset }) => {
    const start = 8 + length + offset;
    return {
      path,
      times: Array.from(new Float64Array(buffer, start, rows)),
      values: Array.from(new Float64Array(buffer, start + 8 * rows, rows)),
      quality: Array.from(new Uint16Array(buffer, start + 16 * rows, rows)),
    };
  });
  return { startMs: header.start_us / 1000, endMs: header.end_us / 1000, series };
}
