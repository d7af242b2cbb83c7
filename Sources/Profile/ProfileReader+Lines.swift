import Core
import Device
import JSON

/// Lines and sensors: where a point is found on the board.
extension ProfileReader {
  mutating func readLine(_ line: inout LineSpec, _ object: inout ObjectReader) {
    if let isLow = object.bool("activeLow", &problems) { line.activeLow = isLow }
    line.bias =
      object.word(
        "bias", &problems,
        [
          "as-is": .asIs, "disabled": .disabled, "pull-up": .pullUp, "pull-down": Bias.pullDown,
        ]) ?? .asIs
    guard let member = object.take("line") else {
      return error(
        object.offset, object.pointer,
        "\"line\" is missing: a name such as \"GPIO17\", or {\"chip\": \"label\", \"offset\": 17}")
    }
    let pointer = object.path("line")
    places[places.count - 1].lineOffset = member.value.offset
    switch member.value.value {
    case .string(let name):
      line.name = checkedName(name, member.value.offset, pointer)
    case .object:
      var reader = ObjectReader(member.value, pointer: pointer, &problems)
      readPlace(&line, &reader)
      reader.finish(&problems)
    case .array, .number, .bool, .null:
      error(
        member.value.offset, pointer,
        "expected a name such as \"GPIO17\", or {\"chip\": \"label\", \"offset\": 17}, found "
          + member.value.found)
    }
  }

  private mutating func readPlace(_ line: inout LineSpec, _ reader: inout ObjectReader) {
    if reader.lacks("chip") && reader.lacks("name") {
      error(reader.offset, reader.pointer, "\"chip\" is missing: the label of the line's chip")
    }
    if reader.contains("name") == reader.contains("offset") {
      error(reader.offset, reader.pointer, "expected either \"offset\" or \"name\"")
    }
    if let chip = reader.string("chip", &problems) {
      line.chip = checkedName(chip.bytes, chip.offset, reader.path("chip"))
    }
    if let name = reader.string("name", &problems) {
      line.name = checkedName(name.bytes, name.offset, reader.path("name"))
    }
    if let offset = reader.whole("offset", &problems, from: 0, to: 4095) {
      line.offset = Int32(truncatingIfNeeded: offset)
    }
  }

  /// The name of a line, or the label of a chip; empty, after a problem, when it is none.
  private mutating func checkedName(_ name: [UInt8], _ offset: Int, _ pointer: String) -> Text {
    guard !name.isEmpty, name.count <= 64 else {
      error(offset, pointer, "expected a name of 1 to 64 bytes; `sandpiper lines` shows them")
      return .empty
    }
    // A chip's number is no name: the kernel gives numbers in the order in which drivers come up.
    var rest = name[...]
    if rest.starts(with: bytes("/dev/")) { rest = rest.dropFirst(5) }
    guard rest.starts(with: bytes("gpiochip")) else { return configuration.intern(name) }
    error(
      offset, pointer,
      "chip numbers move between kernels and boots: name the line (\"GPIO17\"), or the chip by its "
        + "label and an offset; `sandpiper lines` shows both")
    return .empty
  }

  /// The source of a sensor; returns the channel's name.
  mutating func readSource(_ sensor: inout SensorSpec, _ object: inout ObjectReader) -> [UInt8] {
    let keys: [StaticString] = ["thermal", "w1", "hwmon", "iio", "simulated"]
    let given = keys.filter { object.contains($0) }.count
    if given != 1 {
      error(
        object.offset, object.pointer,
        "expected one source: \"thermal\", \"w1\", \"hwmon\", \"iio\" or \"simulated\"")
    }
    var channel: [UInt8] = []
    if let zone = object.string("thermal", &problems) {
      sensor.source = .thermal
      sensor.device = configuration.intern(zone.bytes)
    }
    if let device = object.string("w1", &problems) {
      sensor.source = .oneWire
      sensor.device = configuration.intern(device.bytes)
      checkOneWire(device.bytes, device.offset, object.path("w1"))
    }
    let channeled: KeyValuePairs<StaticString, SensorSource> = ["hwmon": .hwmon, "iio": .iio]
    for (key, source) in channeled {
      guard var reader = object.object(key, &problems) else { continue }
      sensor.source = source
      for name: StaticString in ["device", "channel"] where reader.lacks(name) {
        error(reader.offset, reader.pointer, "\"" + spelled(name) + "\" is missing")
      }
      if let device = reader.string("device", &problems) {
        sensor.device = configuration.intern(device.bytes)
        checkFileName(device.bytes, device.offset, reader.path("device"))
      }
      if let name = reader.string("channel", &problems) {
        channel = name.bytes
        sensor.channel = configuration.intern(name.bytes)
        checkFileName(name.bytes, name.offset, reader.path("channel"))
      }
      reader.finish(&problems)
    }
    if let isSimulated = object.bool("simulated", &problems) {
      sensor.source = .simulated
      if !isSimulated {
        error(object.offset, object.path("simulated"), "false says nothing: name a real source")
      }
    }
    return channel
  }

  private mutating func checkOneWire(_ id: [UInt8], _ offset: Int, _ pointer: String) {
    // The kernel's own form (drivers/w1/w1.c, "%02x-%012llx"): family and serial number.
    let isGood =
      id.count == 15 && id[2] == UInt8(ascii: "-")
      && id.enumerated().allSatisfy { index, byte in
        index == 2 || byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
          || byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "f")
      }
    if !isGood {
      error(offset, pointer, "expected a 1-wire identifier such as \"28-00000a1b2c3d\"")
    }
  }

  /// A name that becomes part of a path under /sys.
  private mutating func checkFileName(_ name: [UInt8], _ offset: Int, _ pointer: String) {
    let isBad = name.contains { $0 == UInt8(ascii: "/") || $0 <= 0x20 || $0 == 0x7F }
    if isBad || name.first == UInt8(ascii: ".") || name.count > 64 {
      error(offset, pointer, "expected a name as the kernel shows it, without /")
    }
  }

  // MARK: Across points

  /// The same line twice.
  mutating func checkLines() {
    for (index, point) in configuration.points.enumerated() where point.kind != .sensor {
      let line = point.line
      if line.name.isEmpty && line.offset < 0 { continue }
      for earlier in 0..<index where configuration.points[earlier].kind != .sensor {
        let other = configuration.points[earlier].line
        let isSameName = !line.name.isEmpty && line.name == other.name && line.chip == other.chip
        let isSamePlace = line.offset >= 0 && line.offset == other.offset && line.chip == other.chip
        guard isSameName || isSamePlace else { continue }
        error(
          places[index].lineOffset, places[index].pointer + "/line",
          "this line is taken by " + places[earlier].pointer + " already")
        break
      }
    }
  }
}
