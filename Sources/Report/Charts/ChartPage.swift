/// A whole page of its own: no script, font, picture or style from elsewhere, in light and dark.
public struct ChartPage: Sendable {
  /// What the browser's tab says.
  public var title: String
  /// What a preview says of it, in one sentence; may be empty.
  public var summary = ""
  /// What the page holds: pieces of HTML, such as the `figure` of charts.
  public var pieces: [String]

  /// A page of these pieces.
  public init(_ title: String, pieces: [String]) { (self.title, self.pieces) = (title, pieces) }

  /// A page with a heading and an introduction in plain words above some charts.
  public init(_ title: String, introduction: String, figures: [String]) {
    self.init(
      title,
      pieces: [
        "<header><h1>\(title.escaped)</h1><p>\(introduction.escaped)</p></header>",
        "<section class=\"charts\">\(figures.joined())</section>",
      ])
    summary = introduction
  }

  /// The page.
  public var html: String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
    style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <meta name="description" content="\(summary.escaped)">
    <link rel="icon" href="data:,">
    <title>\(title.escaped)</title>
    <style>
    \(stylesheet)</style>
    </head>
    <body>
    \(hatching)
    <main>
    \(pieces.joined(separator: "\n"))</main>
    <script>
    \(readoutScript)</script>
    </body>
    </html>

    """
  }

  /// The hatching that patches are filled with, beside their colours.
  private var hatching: String {
    func pattern(_ name: String, _ path: String) -> String {
      "<pattern id=\"\(name)\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\">"
        + "<rect class=\"ground\" width=\"6\" height=\"6\"/><path d=\"\(path)\"/></pattern>"
    }
    return "<svg class=\"defs\" width=\"0\" height=\"0\" aria-hidden=\"true\"><defs>"
      + pattern("slant", "M-1 1L1 -1M0 6L6 0M5 7L7 5") + pattern("dots", "M2 3H4")
      + "</defs></svg>"
  }
}
