/// How a line or a band is told from the others: by colour, and by dashes or hatching for those who see no
/// colour.
public enum Look: String, Sendable, CaseIterable {
  /// Teal, drawn through: what is well, and the first of several.
  case good
  /// Amber, in dashes: what is late or high.
  case late
  /// Red, in dots and dashes: what is lost or off.
  case bad
  /// Blue, drawn through: what is in memory or goes out.
  case calm
  /// Violet, dotted: what is on flash or comes in.
  case deep
  /// Grey, in long dashes: bounds and what there is no power for.
  case mute

  /// A line of it as it stands in a legend.
  var lineSample: String {
    "<svg class=\"s\" viewBox=\"0 0 26 10\" aria-hidden=\"true\">"
      + "<path class=\"l \(rawValue)\" d=\"M1 5H25\"/></svg>"
  }

  /// A patch of it as it stands in a legend.
  var patchSample: String {
    "<svg class=\"s\" viewBox=\"0 0 26 10\" aria-hidden=\"true\">"
      + "<rect class=\"b \(rawValue)\" width=\"26\" height=\"10\"/></svg>"
  }
}

/// What stands behind the lines of several plots, so that the eye finds the same time in each.
public struct Backdrop: Sendable {
  /// Times that are shaded, in seconds.
  public var shades: [ClosedRange<Double>] = []
  /// Moments with a thin upright line, in seconds.
  public var moments: [Double] = []

  /// Nothing.
  public init() {}

  /// All of it as SVG, 1,000 wide and high.
  func svg(_ time: TimeScale) -> String {
    let rects = patches(shades, time).map { patch in
      "<rect class=\"shade\" x=\"\(coordinate(patch.begin, of: 1_000))\" y=\"0\" "
        + "width=\"\(coordinate(patch.width, of: 1_000, digits: 2))\" height=\"1000\"\(patch.opacity)/>"
    }
    let lines = Set(moments.map { Int(time.place(of: $0) * 1_000) }).sorted()
    let path = lines.map { "M\($0) 0V1000" }.joined()
    return rects.joined() + (path.isEmpty ? "" : "<path class=\"moment\" d=\"\(path)\"/>")
  }
}

/// A stretch of a plot: where it begins and how wide it is, as shares of the whole width, and how much of
/// it is covered, 0 to 1.
struct Patch {
  var begin: Double
  var width: Double
  var cover = 1.0

  /// The attribute that says how much of it is covered; empty for all.
  var opacity: String { cover < 0.995 ? " opacity=\"\(coordinate(cover, of: 1, digits: 2))\"" : "" }
}

/// Where stretches of time lie. When there are too many to draw each, a thousandth of the width is as dark
/// as the share of it that they cover.
func patches(_ times: [ClosedRange<Double>], _ time: TimeScale, most: Int = 300) -> [Patch] {
  let places = times.map { time.place(of: $0.lowerBound)...time.place(of: $0.upperBound) }
  if places.count <= most {
    return places.map { Patch(begin: $0.lowerBound, width: $0.upperBound - $0.lowerBound) }
  }
  let count = 1_000
  var covers = [Double](repeating: 0, count: count)
  for place in places {
    let (begin, end) = (place.lowerBound * Double(count), place.upperBound * Double(count))
    for bin in Int(begin)...max(Int(begin), min(count - 1, Int(end))) where bin < count {
      covers[bin] += max(0, min(end, Double(bin + 1)) - max(begin, Double(bin)))
    }
  }
  var patches: [Patch] = []
  for (bin, cover) in covers.enumerated() where cover > 0.001 {
    let patch = Patch(
      begin: Double(bin) / Double(count), width: 1 / Double(count),
      cover: min(1, (cover * 20).rounded(.up) / 20))
    if let last = patches.last, last.cover == patch.cover,
      patch.begin - last.begin - last.width < 1e-9
    {
      patches[patches.count - 1].width += patch.width
    } else {
      patches.append(patch)
    }
  }
  return patches
}
