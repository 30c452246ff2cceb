// The chart as a picture, with title, range and legend; the samples as CSV and Parquet.

import { between, zone } from "./format.js";
import { t } from "./page.js";
import { lineStyle, themed } from "./style.js";
import { halves, sign } from "./tag.js";
import { encodePath } from "./view.js";

const ROW = 20;
const HEAD = 58;

// plot: uPlot's canvas; shown: [{path, slot, unit, note}] of which each gets a line of the legend.
export function picture(plot, title, shown, startMs, endMs) {
  const scale = devicePixelRatio;
  const canvas = document.createElement("canvas");
  canvas.width = plot.width;
  canvas.height = plot.height + (HEAD + ROW * shown.length + 12) * scale;
  const ctx = canvas.getContext("2d");
  ctx.fillStyle = themed("--panel");
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.drawImage(plot, 0, HEAD * scale);
  ctx.scale(scale, scale);
  ctx.textBaseline = "middle";
  ctx.fillStyle = themed("--text");
  ctx.font = '600 17px system-ui, "Noto Sans CJK SC", sans-serif';
  ctx.fillText(title, 16, 20);
  ctx.font = '13px system-ui, "Noto Sans CJK SC", sans-serif';
  ctx.fillStyle = themed("--muted");
  ctx.fillText(`${between(startMs, endMs)} (${t("chart.zone", { zone: zone() })})`, 16, 44);
  shown.forEach(({ path, slot, unit, note }, index) => {
    const y = HEAD + plot.height / scale + ROW * (index + 0.5);
    const { stroke, dash } = lineStyle(slot);
    ctx.strokeStyle = stroke;
    ctx.lineWidth = note ? 1 : 2;
    ctx.setLineDash(note ? [2, 3] : dash);
    ctx.beginPath();
    ctx.moveTo(16, y);
    ctx.lineTo(44, y);
    ctx.stroke();
    ctx.fillStyle = themed("--text");
    ctx.fillText([path, sign(unit ?? ""), note].filter(Boolean).join(" · "), 54, y);
  });
  return canvas;
}

export async function download(canvas, name) {
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${name}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

// A name for a file: the first tag's end and the start.
export function fileName(tags, startMs) {
  const first = tags.length ? halves(tags[0].path)[1].replace(/[^\p{L}\p{N}_-]+/gu, "-") : "chart";
  return `${first}-${new Date(startMs).toISOString().slice(0, 19).replace(/:/g, "")}Z`;
}

export function linkTo(link, format, tags, startMs, endMs) {
  const paths = tags.map((tag) => encodePath(tag.path)).join(",");
  const [start, end] = [Math.round(startMs * 1000), Math.round(endMs * 1000)];
  link.href = `/api/read?format=${format}&tags=${paths}&start=${start}&end=${end}`;
  link.download = `${fileName(tags, startMs)}.${format}`;
}
