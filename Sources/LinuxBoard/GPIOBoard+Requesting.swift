import CGPIO
import CLinux
import Core
import Device
import Linux

/// Lines are requested from the kernel.
extension GPIOBoard {
  /// Edges that the kernel shall keep for each line while nobody reads them.
  private static var eventsPerLine: UInt32 { 64 }

  /// Makes one request; when it fails, finds out which of its lines is at fault.
  mutating func make(_ index: Int) throws(BoardError) {
    let request = requests[index]
    var code = makeRequest(index)
    // What was let go a moment ago may take systemd its time to close (from version 254 on).
    var tries = HandedDescriptors.count > 0 ? 10 : 0
    while code == EBUSY, tries > 0 {
      _ = usleep(20_000)
      tries -= 1
      code = makeRequest(index)
    }
    guard code != 0 else { return }
    for line in request.first..<request.first + request.count {
      let reason = reasonForRefusal(of: line, code: code)
      if let reason { throw BoardError(point: lines[line].point, reason: reason) }
    }
    throw BoardError(
      point: lines[request.first].point,
      reason: .refused(SystemError(code: code, doing: "request")))
  }

  /// Requests the lines from the kernel: 0, or an error number.
  mutating func makeRequest(_ index: Int) -> Int32 {
    let request = requests[index]
    let first = lines[request.first]
    guard let chip = chips[first.chip].chip else { return ENODEV }
    if first.setting.output, chip.hasSecondInterface {
      let line = requestOutput(chip, first.setting)
      guard line >= 0 else { return -line }
      requests[index].line = line
      return 0
    }
    var settings = InlineArray<64, cgpio_setting>(repeating: cgpio_setting())
    for place in 0..<request.count { settings[place] = lines[request.first + place].setting }
    let handle = unsafe requestLines(chip, settings, count: request.count)
    guard let handle = unsafe handle else { return clinux_errno() }
    unsafe requests[index].handle = handle
    return 0
  }

  private func requestOutput(_ chip: Chip, _ setting: cgpio_setting) -> Int32 {
    Chip.devicePath(chip.number).withBytes { path in
      unsafe withCString(of: "sandpiper") { consumer in
        // Sound: setting and names live through the call.
        unsafe withCString(path) { path in
          var setting = setting
          return unsafe cgpio_output_request(path, &setting, consumer)
        } ?? -ENAMETOOLONG
      }
    }
  }

  private func requestLines(
    _ chip: Chip, _ settings: InlineArray<64, cgpio_setting>, count: Int
  ) -> OpaquePointer? {
    let count = UInt32(truncatingIfNeeded: count)
    return unsafe settings.span.withUnsafeBufferPointer { settings in
      unsafe withCString(of: "sandpiper") { consumer in
        // Sound: the chip is open; settings and name are copied.
        unsafe cgpio_request_lines(
          chip.handle, settings.baseAddress, count, Self.eventsPerLine * count, consumer)
      }
    }
  }

  /// Why the kernel refuses this line; nil when it is not to blame.
  private func reasonForRefusal(of index: Int, code: Int32) -> BoardError.Reason? {
    let line = lines[index]
    guard let chip = chips[line.chip].chip else { return nil }
    if code == EBUSY {
      let description = try? chip.describe(Int(line.setting.offset))
      guard let description, description.isUsed else { return nil }
      return .busy(consumer: description.consumer)
    }
    var settings = InlineArray<64, cgpio_setting>(repeating: cgpio_setting())
    settings[0] = line.setting
    if let alone = unsafe requestLines(chip, settings, count: 1) {
      unsafe cgpio_release(alone)
      return nil
    }
    let code = clinux_errno()
    let isPlain =
      line.setting.bias == Bias.asIs.rawValue && line.setting.drive == Drive.pushPull.rawValue
      && line.setting.debounce == 0
    switch code {
    case ENXIO where !line.setting.output: return .noEdges
    case EINVAL where !isPlain, ENOTSUP where !isPlain: return .unsupported
    default: return .refused(SystemError(code: code, doing: "request"))
    }
  }
}
