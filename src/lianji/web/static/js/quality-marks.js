// Draws what is not good onto the chart: bad is hatched, uncertain dotted, each series in a lane
// of its own at the foot of the plot and bad faintly over its whole height.

import { stretches } from "./quality.js";
import { themed } from "./style.js";

const LANE = 8;

export function drawQuality(u, series, strokes) {
  const { ctx, bbox } = u;
  const scale = devicePixelRatio;
  const endMs = u.scales.x.max;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  let lane = 0;
  series.forEach((one, index) => {
    const found = stretches(one, endMs);
    if (found.length === 0) return;
    lane += 1;
    const top = bbox.top + bbox.height - lane * (LANE + 2) * scale;
    for (const stretch of found) {
      const left = u.valToPos(stretch.from, "x", true);
      const width = Math.max(u.valToPos(stretch.to, "x", true) - left, 4 * scale);
      if (left + width < bbox.left || left > bbox.left + bbox.width) continue;
      const band = visible({ left, top, width, height: LANE * scale }, bbox);
      if (stretch.severity === "bad") {
        hatch(ctx, { ...band, top: bbox.top, height: bbox.height }, 12 * scale, 0.16);
        hatch(ctx, band, 4 * scale, 1);
      } else {
        dots(ctx, band, 4 * scale);
      }
      ctx.strokeStyle = strokes[index];
      ctx.lineWidth = scale;
      ctx.strokeRect(band.left, band.top, band.width, band.height);
    }
  });
  ctx.restore();
}

function visible(band, bbox) {
  const left = Math.max(band.left, bbox.left - 4);
  const right = Math.min(band.left + band.width, bbox.left + bbox.width + 4);
  return { ...band, left, width: right - left };
}

function hatch(ctx, { left, top, width, height }, step, alpha) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.globalAlpha = alpha;
  ctx.strokeStyle = themed("--alarm");
  ctx.lineWidth = devicePixelRatio * 1.2;
  ctx.beginPath();
  for (let x = left - height - ((left - height) % step); x < left + width; x += step) {
    ctx.moveTo(x, top + height);
    ctx.lineTo(x + height, top);
  }
  ctx.stroke();
  ctx.restore();
}

function dots(ctx, { left, top, width, height }, step) {
  ctx.fillStyle = themed("--warning");
  const size = devicePixelRatio * 2;
  for (let x = left + step / 2; x < left + width; x += step) {
    ctx.fillRect(x, top + (height - size) / 2, size, size);
  }
}
