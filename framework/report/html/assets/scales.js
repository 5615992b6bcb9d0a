// From values to places and back, with ticks that a reader would choose.

function scale(low, high, from, to, log, apart = 70) {
  const bend = log ? Math.log10 : (value) => value;
  const [first, last] = padded(bend(low), bend(high));
  const at = (value) => from + ((bend(value) - first) / (last - first)) * (to - from);
  const room = Math.max(2, Math.floor(Math.abs(to - from) / apart));
  const straighten = log ? (value) => 10 ** value : (value) => value;
  const ends = [straighten(first), straighten(last)];
  return { at, ticks: log ? decades(...ends, room) : steps(...ends, room) };
}

// Nothing lies on the frame, and one value alone has an axis.
function padded(first, last) {
  const pad = (last - first) * 0.05 || Math.abs(first) * 0.05 || 0.5;
  return [first - pad, last + pad];
}

function steps(low, high, room) {
  const wide = (high - low) / room;
  const power = 10 ** Math.floor(Math.log10(wide));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= wide);
  const ticks = [];
  for (let at = Math.ceil(low / step); at * step <= high; at += 1) ticks.push(at * step);
  return ticks;
}

// 1, 2 and 5 of each decade; 1 alone of many; every step within one.
function decades(low, high, room) {
  const span = Math.log10(high / low);
  if (span < 0.5) return steps(low, high, room);
  const parts = span > room / 2 ? [1] : span > room / 4 ? [1, 3] : [1, 2, 5];
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power += 1) {
    for (const part of parts) {
      const tick = part * 10 ** power;
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  return ticks;
}

function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value === null) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

// The corners of the best that is reached, from left to right: (x, y) that no other beats.
function staircase(points, xBetter, yBetter) {
  const [xSign, ySign] = [xBetter === "max" ? -1 : 1, yBetter === "max" ? -1 : 1];
  const sorted = [...points].sort((one, other) => {
    return xSign * (one[0] - other[0]) || ySign * (one[1] - other[1]);
  });
  const corners = [];
  let best = Infinity;
  for (const point of sorted) {
    if (ySign * point[1] < best) {
      best = ySign * point[1];
      corners.push(point);
    }
  }
  return corners;
}
