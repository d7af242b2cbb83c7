import Foundation

/// How the values of a plot stand over one another.
public struct Axis: Sendable {
  /// What lies between two marks of equal distance.
  public enum Scale: Sendable {
    /// An equal difference; the axis begins at zero.
    case linear
    /// An equal factor; values at or below zero are not drawn.
    case logarithmic
  }

  /// What the values are.
  public var unit: Unit
  /// How they are spread.
  public var scale: Scale

  /// An axis that fits itself to the values drawn on it.
  public init(_ unit: Unit, scale: Scale = .linear) { (self.unit, self.scale) = (unit, scale) }

  /// The axis from its least to its greatest mark, such that all of `values` lie between them.
  func fitted(to values: some Sequence<Double>, marks: Int) -> FittedAxis {
    let drawn = values.filter { $0.isFinite && $0 < 1e15 && (scale == .linear ? $0 >= 0 : $0 > 0) }
    switch scale {
    case .linear: return linear(to: drawn.max() ?? 0, marks: marks)
    case .logarithmic: return logarithmic(from: drawn.min() ?? 0.1, to: drawn.max() ?? 1)
    }
  }

  private func linear(to greatest: Double, marks: Int) -> FittedAxis {
    let least: Double = unit == .seconds ? 1e-6 : 1
    let step = niceStep(max(greatest, least) / Double(max(1, marks - 1)))
    let count = max(1, Int((max(greatest, least) / step - 1e-9).rounded(.up)))
    return FittedAxis(
      low: 0, high: Double(count) * step, logarithmic: false,
      ticks: (0...count).map { Double($0) * step })
  }

  /// The least step that reads well and is no smaller than asked for.
  private func niceStep(_ asked: Double) -> Double {
    switch unit {
    case .bytes:
      let power = pow(2, log2(max(1, asked)).rounded(.down))
      return [1, 1.5, 2].map { $0 * power }.first { $0 >= asked && $0 >= 2 } ?? 2 * power
    case .seconds where asked > 10:
      if let step = TimeScale.steps.first(where: { $0 >= asked * (1 - 1e-9) }) { return step }
    default: break
    }
    let power = pow(10, log10(asked).rounded(.down))
    let step = [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].map { $0 * power }.first { step in
      // There is no half of a thing that is counted.
      step >= asked * (1 - 1e-9) && (unit != .count || step == step.rounded())
    }
    return max(unit == .count ? 1 : 0, step ?? 10 * power)
  }

  private func logarithmic(from least: Double, to greatest: Double) -> FittedAxis {
    var stops: [Double]
    switch unit {
    // A clock does not count in tens beyond a minute.
    case .seconds:
      stops = [1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1, 10, 60, 600, 3_600, 36_000, 86_400, 864_000]
      stops += (0..<5).map { 8_640_000 * pow(10, Double($0)) }
    case .bytes: stops = (0...12).map { pow(2, Double($0 * 4)) }
    case .count: stops = (0...15).map { pow(10, Double($0)) }
    }
    let first = stops.lastIndex { $0 <= least } ?? 0
    var last = stops.firstIndex { $0 >= greatest } ?? stops.count - 1
    if last <= first { last = min(first + 1, stops.count - 1) }
    let range = Array(stops[min(first, last - 1)...last])
    // More than five marks crowd; every second one still says where the values are.
    let every = (range.count + 4) / 5
    let ticks = range.enumerated().filter { $0.offset % every == 0 }.map(\.element)
    return FittedAxis(low: range[0], high: range[range.count - 1], logarithmic: true, ticks: ticks)
  }
}

/// An axis with its ends and marks.
struct FittedAxis {
  /// The value at the bottom.
  let low: Double
  /// The value at the top.
  let high: Double
  let logarithmic: Bool
  /// Values that have a mark, in order.
  let ticks: [Double]

  /// The height of a value: 0 at the bottom, 1 at the top, and never beyond them.
  func height(of value: Double) -> Double {
    let height =
      logarithmic
      ? log10(max(value, low) / low) / log10(high / low) : (value - low) / (high - low)
    return min(1, max(0, height))
  }
}
