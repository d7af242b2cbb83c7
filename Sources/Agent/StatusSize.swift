import Core
import Device
import Dialing
import JSON
import Uplink

/// How much room a status takes.
public enum StatusSize {
  /// What is always there, at its longest, but for the strings of the profile: 800 bytes of health, 1,200 of
  /// the rest.
  private static var fixedBytes: Int { 2048 }

  /// What is free when the losses of one point more are appended.
  private static var slack: Int { 512 }

  /// The most bytes that a status takes of a device with these points. The strings of both are places in
  /// `texts`.
  public static func bytesMax(
    _ specs: AgentSpecs, points: Span<PointSpec>, texts: Span<UInt8>
  ) -> Int {
    var bytes = fixedBytes + slack
    bytes += texts.extracting(specs.device.id.range).jsonStringBytesMax
    bytes += texts.extracting(specs.device.base.range).jsonStringBytesMax
    var longest = 0
    for index in 0..<specs.uplink.dial.brokerCount {
      let endpoint = specs.uplink.dial.broker(index)
      let host = texts.extracting(endpoint.host.range).jsonStringBytesMax
      let path = texts.extracting(endpoint.path.range).jsonStringBytesMax
      // A broker may send us to a host of another name.
      longest = max(longest, max(host, ServerReference.hostBytesMax * 3) + path)
    }
    bytes += longest
    for index in points.indices {
      bytes += Points.statusBytesMax(of: points[index], texts: texts)
      bytes += texts.extracting(points[index].name.range).jsonStringBytesMax
      bytes += LossText.bytesMax
    }
    return bytes
  }
}
