/// What shows the values below the pointer: reads them back from the lines, so that the page holds them only
/// once. Without it the page is complete.
let readoutScript = """
  (() => {
    const steps = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
    const digits = v => String(+v.toPrecision(3));
    const seconds = v => {
      if (v < 1) return v < 0.001 ? digits(v * 1e6) + ' µs' : digits(v * 1000) + ' ms';
      if (v < 60) return digits(v) + ' s';
      const i = steps.findIndex(s => v >= s[0]);
      const [n, m] = [steps[i], steps[i + 1]];
      const rest = Math.floor(v % n[0] / m[0]);
      return Math.floor(v / n[0]) + ' ' + n[1] + (rest ? ' ' + rest + ' ' + m[1] : '');
    };
    const scaled = (v, base, names) => {
      let i = 0;
      while (v >= base && i < names.length - 1) { v /= base; i++; }
      return digits(v) + names[i];
    };
    const texts = {
      seconds,
      bytes: v => scaled(v, 1024, [' B', ' KiB', ' MiB', ' GiB']),
      count: v => scaled(v, 1000, ['', 'k', 'M', 'G']),
    };
    const parse = path => {
      const points = [];
      let x = 0, y = 0;
      for (const [, c, a, b] of path.getAttribute('d').matchAll(/([MLHVh])([\\d.]+) ?([\\d.]+)?/g)) {
        if (c === 'h') continue;
        if (c === 'V') { y = +a; points[points.length - 1] = [x, y, false]; continue; }
        x = +a;
        if (b !== undefined) y = +b;
        points.push([x, y, c === 'M']);
      }
      return points;
    };
    const plots = [...document.querySelectorAll('.plot')].map(element => {
      const svg = element.querySelector('svg');
      const rule = document.createElement('i'), out = document.createElement('output');
      rule.className = 'rule'; out.className = 'out';
      rule.hidden = out.hidden = true;
      element.append(rule, out);
      return { element, rule, out, ends: svg.dataset.ends.split(' ').map(Number),
        kind: (svg.dataset.kind || '').split(' '),
        lines: [...svg.querySelectorAll('path[data-n]')].map(path => ({ path })) };
    });
    const value = (plot, y) => {
      const [, , low, high] = plot.ends, h = 1 - y / 1000;
      return plot.kind[1] ? low * (high / low) ** h : low + h * (high - low);
    };
    const show = (share, over) => {
      for (const plot of plots) {
        plot.rule.hidden = plot.out.hidden = false;
        plot.rule.style.left = share * 100 + '%';
        const [begin, end] = plot.ends;
        const words = plot === over ? [seconds(begin + share * (end - begin)) || '0'] : [];
        for (const line of plot.lines) {
          line.points ||= parse(line.path);
          let found = null;
          for (const [i, p] of line.points.entries()) {
            if (p[0] > share * 1000) break;
            const next = line.points[i + 1];
            found = next && next[2] && share * 1000 > p[0] + 2 ? null : p;
          }
          if (found) words.push((plot.lines.length > 1 ? line.path.dataset.n + ' ' : '')
            + texts[plot.kind[0]](value(plot, found[1])));
        }
        plot.out.textContent = words.join(' · ');
        plot.out.hidden = !words.length;
        plot.out.style.cssText = share < 0.5 ? 'right:0' : 'left:0';
      }
    };
    const hide = () => { for (const p of plots) p.rule.hidden = p.out.hidden = true; };
    for (const plot of plots) {
      plot.element.addEventListener('pointermove', event => {
        const box = plot.element.getBoundingClientRect();
        show(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)), plot);
      });
      plot.element.addEventListener('pointerleave', hide);
    }
  })();

  """
