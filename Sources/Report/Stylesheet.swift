/// How all pages look. Colours are given once for light and once for dark; each text colour stands at least
/// 4.5:1 against what lies below it.
let stylesheet = """
  :root {
    color-scheme: light dark;
    --paper: #f6f4ee; --card: #fffefb; --ink: #1b2730; --soft: #55626c; --rule: #ddd8cb;
    --good: #086b62; --late: #935000; --bad: #b3261e; --calm: #1f5fb0; --deep: #7140ad; --mute: #66717a;
    --good-ground: #e3f1ee; --bad-ground: #fbe7e4; --late-ground: #f8ecd9; --shade: #7a6a4a;
  }
  @media (prefers-color-scheme: dark) {
    :root {
      --paper: #10171c; --card: #182127; --ink: #e8edf0; --soft: #a3b0b9; --rule: #2e3a42;
      --good: #4fc7b8; --late: #f0b055; --bad: #ff8f84; --calm: #82b4f7; --deep: #c4a4f5; --mute: #93a0a9;
      --good-ground: #14322f; --bad-ground: #42201d; --late-ground: #38290f; --shade: #c9b27d;
    }
  }
  * { box-sizing: border-box; }
  body {
    margin: 0; background: var(--paper); color: var(--ink); -webkit-text-size-adjust: 100%;
    font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif;
    font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
  }
  .defs { position: absolute; }
  main { max-width: 1120px; margin: 0 auto; padding: 28px 20px 56px; }
  h1, h2, h3, p, ul, dl, dd, figure { margin: 0; padding: 0; }
  h1 { font-size: 28px; line-height: 1.2; letter-spacing: -.01em; text-wrap: balance; }
  h2 { font-size: 20px; line-height: 1.3; margin: 40px 0 12px; }
  h2 + p { color: var(--soft); margin: -8px 0 14px; max-width: 46em; font-size: 15px; }
  header p { color: var(--soft); margin-top: 4px; max-width: 46em; }
  .verdict {
    margin: 20px 0 16px; padding: 18px 20px; border-radius: 12px; border-left: 6px solid var(--good);
    background: var(--good-ground);
  }
  .verdict h2 { font-size: 24px; line-height: 1.25; margin: 0 0 6px; color: var(--good); text-wrap: balance; }
  .verdict h2 + p { max-width: 54em; margin: 0; color: var(--ink); font-size: 16px; }
  .verdict ul { margin: 8px 0 0 20px; }
  .verdict.broken { border-color: var(--bad); background: var(--bad-ground); }
  .verdict.broken h2 { color: var(--bad); }
  .verdict.partly { border-color: var(--late); background: var(--late-ground); }
  .verdict.partly h2 { color: var(--late); }
  .cards { display: grid; gap: 12px; grid-template-columns: repeat(auto-fit, minmax(250px, 1fr)); }
  .card, .charts, .table { background: var(--card); border: 1px solid var(--rule); border-radius: 12px; }
  .card { padding: 14px 16px 16px; }
  .card h3 { font-size: 14px; font-weight: 600; color: var(--soft); line-height: 1.35; }
  .card .big {
    font-size: 28px; line-height: 1.2; font-weight: 650; letter-spacing: -.01em; margin: 4px 0 2px; color: var(--ink);
  }
  .card small { font-size: 16px; font-weight: 500; letter-spacing: 0; }
  .card p { font-size: 14px; color: var(--soft); }
  .card dl { display: grid; grid-template-columns: 1fr auto; gap: 2px 12px; font-size: 14px; margin-top: 8px; }
  .card dt { color: var(--soft); }
  .card dd { text-align: right; font-weight: 600; }
  .card .bad { color: var(--bad); }
  .meter { display: block; width: 100%; height: 8px; margin: 2px 0 6px; border-radius: 4px; }
  .meter .track { fill: var(--rule); }
  .meter .fill { fill: var(--good); }
  .meter .fill.late { fill: var(--late); }
  .meter .fill.bad { fill: var(--bad); }
  .charts { padding: 18px 20px 10px; }
  .chart + .chart { margin-top: 14px; }
  .chart figcaption {
    display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 8px; font-size: 14px; line-height: 1.4;
    margin-bottom: 12px;
  }
  .chart figcaption > span { color: var(--soft); }
  .chart ul { list-style: none; display: flex; flex-wrap: wrap; gap: 0 16px; color: var(--soft); font-size: 13px; margin-left: auto; }
  .chart li { display: flex; align-items: center; gap: 6px; }
  .s { width: 26px; height: 10px; flex: none; }
  .plot { position: relative; margin: 0 12px 0 66px; }
  .plot > svg { display: block; width: 100%; height: 100%; overflow: visible; }
  .y span, .x span { position: absolute; font-size: 12px; line-height: 16px; color: var(--soft); white-space: nowrap; }
  .y span { right: 100%; margin-right: 8px; transform: translateY(-50%); }
  .x { position: relative; height: 22px; margin: 6px 12px 0 66px; }
  .x span { transform: translateX(-50%); }
  .x .e { transform: translateX(-80%); }
  .grid, .moment, .l { fill: none; vector-effect: non-scaling-stroke; }
  .grid { stroke: var(--rule); stroke-width: 1; }
  .moment { stroke: var(--shade); stroke-width: 1; stroke-opacity: .45; stroke-dasharray: 2 4; }
  .shade { fill: var(--shade); fill-opacity: .2; }
  .track { fill: var(--rule); fill-opacity: .45; }
  .good { --c: var(--good); } .late { --c: var(--late); } .bad { --c: var(--bad); }
  .calm { --c: var(--calm); } .deep { --c: var(--deep); } .mute { --c: var(--mute); }
  .l { stroke: var(--c); stroke-width: 1.75; stroke-linejoin: round; stroke-linecap: round; }
  .l.late { stroke-dasharray: 6 4; }
  .l.bad { stroke-dasharray: 8 4 1 4; }
  .l.deep { stroke-dasharray: 1 4; stroke-width: 2.25; }
  .l.mute { stroke-dasharray: 12 6; stroke-width: 1.25; }
  .charts .a ~ .l { stroke-dasharray: none; stroke-width: 1.25; }
  .a { fill: var(--c); fill-opacity: .28; }
  .b { fill: var(--c); }
  .gap { fill: var(--card); }
  .b.bad { fill: url(#slant); }
  .b.late { fill: url(#dots); }
  .b.thin { fill: var(--c); }
  .ground { fill: var(--c); }
  #slant { --c: var(--bad); } #dots { --c: var(--late); }
  #slant path, #dots path { stroke: var(--card); stroke-width: 1.4; }
  .rule { position: absolute; top: 0; bottom: 0; width: 1px; background: var(--ink); pointer-events: none; }
  .out {
    position: absolute; top: 4px; padding: 1px 7px; border-radius: 6px; background: var(--card); font-size: 12px;
    border: 1px solid var(--rule); pointer-events: none; max-width: 100%;
  }
  .table { padding: 4px 16px 10px; }
  table { width: 100%; border-collapse: collapse; font-size: 14px; }
  th, td { text-align: right; padding: 7px 0 7px 14px; border-top: 1px solid var(--rule); vertical-align: baseline; }
  thead th { border-top: 0; color: var(--soft); font-weight: 600; font-size: 13px; }
  th:first-child, td:first-child { padding-left: 0; text-align: left; }
  tbody th { font-weight: 600; }
  .t { text-align: left; padding-left: 28px; }
  td .k { display: none; }
  .n { color: var(--bad); font-weight: 600; }
  .key { font-size: 14px; color: var(--soft); margin: 8px 2px 0; }
  .more { font-size: 14px; color: var(--soft); border-top: 1px solid var(--rule); padding-top: 8px; }
  pre {
    margin: 0 0 12px; padding: 12px 14px; border-radius: 10px; background: var(--card); border: 1px solid var(--rule);
    font: 14px/1.5 ui-monospace, "DejaVu Sans Mono", Menlo, monospace; white-space: pre-wrap;
  }
  .setting { display: grid; grid-template-columns: max-content 1fr; gap: 2px 18px; font-size: 15px; }
  .setting dt { color: var(--soft); }
  footer { margin-top: 28px; font-size: 14px; color: var(--soft); max-width: 54em; }
  [hidden] { display: none; }
  @media (max-width: 640px) {
    main { padding: 18px 12px 40px; }
    h1 { font-size: 23px; }
    .verdict { padding: 14px 14px; }
    .verdict h2 { font-size: 21px; }
    .card .big { font-size: 25px; }
    .charts { padding: 14px 10px 6px; }
    .w { display: none; }
    .table { padding: 0 14px 8px; }
    thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
    table, tbody { display: block; }
    tbody tr { display: grid; grid-template-columns: repeat(3, 1fr); gap: 4px 10px; padding: 10px 0; }
    tbody tr + tr { border-top: 1px solid var(--rule); }
    th, td, th:first-child, .t { border: 0; padding: 0; text-align: left; }
    tbody th, .t { grid-column: 1 / -1; }
    td .k { display: block; font-size: 12px; line-height: 1.3; color: var(--soft); font-weight: 400; }
    .chart ul { margin-left: 0; }
    .t .k { display: none; }
    td:empty { display: none; }
  }
  @media print { .charts, .card, .table, .verdict { break-inside: avoid; } }

  """
