// Numbers, sizes, spans and times as people read them. Times are ISO dates on a 24-hour clock.

import { language } from "./page.js";

export const NONE = "–";
const locale = language === "zh" ? "zh-CN" : "en-GB";
const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: 0 });
const two = (number) => String(number).padStart(2, "0");

export const count = (number) => whole.format(number);

export function rate(number) {
  return number < 10 ? String(Math.round(number * 10) / 10) : whole.format(number);
}

// A measured value: six significant digits, and no 1e+21 where it can be avoided.
export function measured(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return NONE;
  if (value !== 0 && (Math.abs(value) >= 1e12 || Math.abs(value) < 1e-5)) {
    return value.toExponential(3);
  }
  return String(Number(value.toPrecision(Math.abs(value) >= 1e6 ? 9 : 6)));
}

export function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let step = 0;
  while (bytes >= 1024 && step < units.length - 1) {
    bytes /= 1024;
    step += 1;
  }
  return `${step === 0 || bytes >= 100 ? Math.round(bytes) : bytes.toFixed(1)} ${units[step]}`;
}

const WORDS = language === "zh" ? [" 天", " 小时", " 分", " 秒"] : [" d", " h", " min", " s"];

// A long span in its two largest units.
export function span(seconds) {
  const parts = [
    Math.floor(seconds / 86400),
    Math.floor(seconds / 3600) % 24,
    Math.floor(seconds / 60) % 60,
    Math.floor(seconds) % 60,
  ];
  const first = parts.findIndex((part) => part > 0);
  const from = first < 0 ? 3 : first;
  return parts
    .slice(from, from + 2)
    .map((part, index) => part + WORDS[from + index])
    .join(" ");
}

// A short span given in microseconds.
export function quick(us) {
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 1e6) return `${(us / 1000).toPrecision(3)} ms`;
  return `${(us / 1e6).toPrecision(3)} s`;
}

export function clock(ms, withMs = false) {
  const at = new Date(ms);
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  return withMs ? `${time}.${String(at.getMilliseconds()).padStart(3, "0")}` : time;
}

export function date(ms) {
  const at = new Date(ms);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

// The date only where it is not today's.
export function moment(ms) {
  return date(ms) === date(Date.now()) ? clock(ms) : `${date(ms)} ${clock(ms)}`;
}

// From one moment to another: both with their date unless all of it is today.
export function between(startMs, endMs) {
  if (date(startMs) === date(endMs)) return `${moment(startMs)} – ${clock(endMs)}`;
  return `${date(startMs)} ${clock(startMs)} – ${date(endMs)} ${clock(endMs)}`;
}

export const zone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;
