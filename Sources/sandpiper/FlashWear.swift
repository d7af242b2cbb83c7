import Core
import Device
import Profile
import Uplink

/// How much a journal writes at most: in a day without a link, when every sensor says something new each
/// time. Lines that change now and then are not counted: nobody knows how often.
struct FlashWear {
  /// Bytes, in blocks of 4 KiB as flash wears.
  let bytesPerDay: Double

  private static let day = 86_400.0
  private static let blockBytes = 4096.0
  /// A record with its headers and a name of some length; thinning writes all once more.
  private static let readingBytes = 54.0 * 2

  init(_ configuration: Configuration) {
    let uplink = configuration.uplink
    var readings = 0.0
    for point in configuration.points {
      let shortest = point.kind == .sensor ? point.sensor.every : point.report.maximum
      let interval = max(shortest, point.report.minimum)
      if interval > .zero { readings += Self.day / (Double(interval.milliseconds) / 1000) }
    }
    let syncs = Self.day / (Double(max(uplink.spillEvery.milliseconds, 1000)) / 1000)
    // Each sync writes the block anew that it has begun to fill.
    let written = readings * Self.readingBytes + min(syncs, readings) * Self.blockBytes
    let budget = Double(uplink.flashPerDay)
    bytesPerDay = budget > 0 ? min(budget, written) : written
  }
}
