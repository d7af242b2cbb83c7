import Core
import Device
import Linux

/// Why the board cannot be used as the profile says: which point, which line, and what to do.
public struct BoardError: Error {
  /// The point in the profile, or -1 when the board as a whole is meant.
  public var point: Int
  /// What is wrong.
  public var reason: Reason

  /// What is wrong with a point, or with the board as a whole (-1).
  public init(point: Int, reason: Reason) {
    self.point = point
    self.reason = reason
  }

  /// What is wrong with a point.
  public enum Reason: Sendable {
    /// There is no /dev/gpiochip at all.
    case noChips
    /// The chip's device file may not be opened; `group` owns it.
    case denied(device: FixedText<32>, group: KernelName)
    /// No chip has that label; these are the labels that there are (empty ones aside).
    case noSuchChip(labels: InlineArray<3, KernelName>)
    /// No line has that name; these are the most similar ones (empty ones aside).
    case noSuchLine(nearest: InlineArray<3, KernelName>)
    /// The chip has fewer lines than that.
    case offsetTooLarge(lineCount: Int)
    /// Several lines fit: on the chips with these labels, at these offsets.
    case ambiguous(labels: InlineArray<2, KernelName>, offsets: InlineArray<2, Int>)
    /// Another point has the same line.
    case sameLine(otherPoint: Int)
    /// Somebody else uses the line.
    case busy(consumer: KernelName)
    /// The line raises no interrupts, so nobody would learn of its edges.
    case noEdges
    /// The driver does not know the bias, the drive or the debounce that was asked for.
    case unsupported
    /// The kernel refused for another reason.
    case refused(SystemError)
    /// A simulated sensor, on a real board.
    case simulatedSensor
  }

  /// Appends the whole story in one line of up to 500 bytes, cut where `out` is full:
  ///
  ///     point "door": no line is named "GPOI17"; similar: "GPIO17", "GPIO7". `sandpiper lines`
  ///     lists all
  public func describe(
    points: Span<PointSpec>, texts: borrowing TextPool, into out: inout OutputSpan<UInt8>
  ) {
    if point >= 0 {
      out.put("point ")
      texts.withBytes(of: points[point].name) { out.put(quoted: $0) }
      out.put(": ")
    }
    switch reason {
    case .noChips:
      out.put("this board has no GPIO chip (/dev/gpiochip*): its driver is not loaded")
    case .denied(let device, let group):
      device.write(into: &out)
      out.put(" may not be opened: add the user that runs this program to the group ")
      group.withBytes { out.put(quoted: $0) }
      out.put(" (usermod -aG), then log in anew")
    case .noSuchChip(let labels):
      out.put("no chip has the label ")
      texts.withBytes(of: points[point].line.chip) { out.put(quoted: $0) }
      out.put(labels, after: "; there are ")
      out.put(". `sandpiper lines` lists all")
    case .noSuchLine(let nearest):
      out.put("no line is named ")
      texts.withBytes(of: points[point].line.name) { out.put(quoted: $0) }
      out.put(nearest, after: "; similar: ")
      out.put(". `sandpiper lines` lists all")
    case .offsetTooLarge(let lineCount):
      putLine(points, texts, &out)
      out.put(" does not exist: the chip has lines 0 to ")
      out.put(lineCount - 1)
    case .ambiguous(let labels, let offsets):
      putLine(points, texts, &out)
      out.put(" fits several lines: ")
      for index in 0..<2 {
        if index > 0 { out.put(" and ") }
        labels[index].withBytes { out.put(quoted: $0) }
        out.put(" offset ")
        out.put(offsets[index])
      }
      out.put(". Give the chip's label and the offset")
    case .sameLine(let other):
      putLine(points, texts, &out)
      out.put(" is also the line of point ")
      texts.withBytes(of: points[other].name) { out.put(quoted: $0) }
    case .busy(let consumer):
      putLine(points, texts, &out)
      out.put(" is in use by ")
      if consumer.isEmpty {
        out.put("the kernel")
      } else {
        consumer.withBytes { out.put(quoted: $0) }
      }
      out.put(": end that use (a program, an overlay in the device tree) or take another line")
    case .noEdges:
      putLine(points, texts, &out)
      out.put(" raises no interrupts, so its edges cannot be seen: take another line")
    case .unsupported:
      putLine(points, texts, &out)
      out.put(" cannot be set up so: its driver does not know the bias, drive or debounce")
    case .refused(let error):
      if point >= 0 { putLine(points, texts, &out) } else { out.put("GPIO") }
      out.put(": ")
      out.put(error)
    case .simulatedSensor:
      out.put("a simulated sensor works only with --simulate")
    }
  }

  /// `line "GPIO17"`, or `line 17 of chip "pinctrl-bcm2835"`.
  private func putLine(
    _ points: Span<PointSpec>, _ texts: borrowing TextPool, _ out: inout OutputSpan<UInt8>
  ) {
    let line = points[point].line
    out.put("line ")
    if line.name.isEmpty {
      out.put(Int(line.offset))
    } else {
      texts.withBytes(of: line.name) { out.put(quoted: $0) }
    }
    guard !line.chip.isEmpty else { return }
    out.put(" of chip ")
    texts.withBytes(of: line.chip) { out.put(quoted: $0) }
  }
}

/// Appending that cuts where the space is full.
extension OutputSpan<UInt8> {
  @_lifetime(self: copy self)
  mutating func put(_ bytes: Span<UInt8>) {
    for index in 0..<min(bytes.count, freeCapacity) { append(bytes[index]) }
  }

  @_lifetime(self: copy self)
  mutating func put(_ literal: StaticString) { Linux.withBytes(of: literal) { put($0) } }

  @_lifetime(self: copy self)
  mutating func put(quoted bytes: Span<UInt8>) {
    put("\"")
    put(bytes)
    put("\"")
  }

  @_lifetime(self: copy self)
  mutating func put(_ number: Int) {
    var digits = FixedText<12>()
    digits.append(decimal: max(0, number))
    digits.withBytes { put($0) }
  }

  @_lifetime(self: copy self)
  mutating func put(_ error: SystemError) {
    SystemError.withText(of: error.code) { put($0) }
  }

  /// The names that are not empty, quoted, with commas between.
  @_lifetime(self: copy self)
  mutating func put(_ names: InlineArray<3, KernelName>, after lead: StaticString) {
    var isFirst = true
    for index in 0..<3 where !names[index].isEmpty {
      put(isFirst ? lead : ", ")
      names[index].withBytes { put(quoted: $0) }
      isFirst = false
    }
  }
}
