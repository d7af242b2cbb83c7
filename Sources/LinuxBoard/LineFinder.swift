import CGPIO
import CLinux
import Core
import Device
import Linux

/// All chips of the board, open, while the profile's lines are looked for.
struct LineFinder: ~Copyable {
  /// A line that was found: the place of its chip here, and its offset.
  struct Found: BitwiseCopyable, Equatable {
    var chip: Int
    var offset: Int
  }

  private var chips = InlineArray<32, Chip?>(repeating: nil)
  private(set) var count = 0
  // The first chip that may not be opened, or -1.
  private var deniedNumber = -1

  /// Opens every chip that it may, up to 32.
  init() {
    for number in 0..<Chip.numberLimit where count < chips.count {
      do throws(SystemError) {
        chips[count] = try Chip.open(number)
        count += 1
      } catch {
        if error.code == EACCES || error.code == EPERM, deniedNumber < 0 { deniedNumber = number }
      }
    }
  }

  deinit {
    for index in 0..<count { chips[index]?.close() }
  }

  /// A chip, which the finder goes on to own.
  func chip(_ index: Int) -> Chip? { chips[index] }

  /// Hands over a chip, which the finder then does not close.
  mutating func take(_ index: Int) -> Chip? {
    let chip = chips[index]
    chips[index] = nil
    return chip
  }

  /// The line that `spec` names: exactly one, or the reason why not.
  func find(
    _ spec: LineSpec, of point: Int, texts: borrowing TextPool
  ) throws(BoardError) -> Found {
    var found: Found?
    var chipFits = false
    for index in 0..<count {
      guard let chip = chips[index] else { continue }
      let labelFits = spec.chip.isEmpty || texts.withBytes(of: spec.chip) { chip.label.equals($0) }
      guard labelFits else { continue }
      chipFits = true
      if spec.name.isEmpty {
        if let found {
          let other = Found(chip: index, offset: Int(spec.offset))
          throw BoardError(point: point, reason: ambiguous(found, other))
        }
        guard spec.offset >= 0 && spec.offset < chip.lineCount else {
          throw BoardError(point: point, reason: .offsetTooLarge(lineCount: chip.lineCount))
        }
        found = Found(chip: index, offset: Int(spec.offset))
        continue
      }
      for offset in 0..<chip.lineCount {
        guard let line = try? chip.describe(offset),
          texts.withBytes(of: spec.name, { line.name.equals($0) })
        else { continue }
        if let found {
          let other = Found(chip: index, offset: offset)
          throw BoardError(point: point, reason: ambiguous(found, other))
        }
        found = Found(chip: index, offset: offset)
      }
    }
    if let found { return found }
    throw BoardError(
      point: point,
      reason: deniedNumber >= 0
        ? denied()
        : count == 0
          ? .noChips
          : chipFits
            ? .noSuchLine(nearest: nearest(to: spec.name, texts: texts))
            : .noSuchChip(labels: labels()))
  }

  private func ambiguous(_ first: Found, _ second: Found) -> BoardError.Reason {
    var labels = InlineArray<2, KernelName>(repeating: KernelName())
    labels[0] = chips[first.chip]?.label ?? KernelName()
    labels[1] = chips[second.chip]?.label ?? KernelName()
    var offsets = InlineArray<2, Int>(repeating: first.offset)
    offsets[1] = second.offset
    return .ambiguous(labels: labels, offsets: offsets)
  }

  private func denied() -> BoardError.Reason {
    let device = Chip.devicePath(deniedNumber)
    var group = InlineArray<32, CChar>(repeating: 0)
    var slots = group.mutableSpan
    let length = unsafe slots.withUnsafeMutableBufferPointer { buffer in
      device.withBytes { path in
        // Sound: the call writes at most as many characters as there are.
        unsafe withCString(path) { unsafe clinux_group_of($0, buffer.baseAddress, buffer.count) }
      }
    }
    var name = KernelName()
    for index in 0..<Int(length ?? 0) { name.append(UInt8(bitPattern: group[index])) }
    return .denied(device: device, group: name)
  }

  private func labels() -> InlineArray<3, KernelName> {
    var labels = InlineArray<3, KernelName>(repeating: KernelName())
    for index in 0..<min(count, 3) { labels[index] = chips[index]?.label ?? KernelName() }
    return labels
  }

  /// The three names that take the fewest changes to become `name`, nearest first.
  private func nearest(
    to name: Text, texts: borrowing TextPool
  ) -> InlineArray<3, KernelName> {
    let wanted = texts.withBytes(of: name) { KernelName($0) }
    var names = InlineArray<3, KernelName>(repeating: KernelName())
    var distances = InlineArray<3, Int>(repeating: Int.max)
    for index in 0..<count {
      guard let chip = chips[index] else { continue }
      for offset in 0..<chip.lineCount {
        guard let line = try? chip.describe(offset), !line.name.isEmpty else { continue }
        var candidate = line.name
        var distance = editDistance(candidate, wanted)
        for place in 0..<3 where distance < distances[place] {
          (names[place], candidate) = (candidate, names[place])
          (distances[place], distance) = (distance, distances[place])
        }
      }
    }
    return names
  }
}

/// How many bytes have to be put in, taken out, exchanged or swapped with their neighbour to make
/// one name of the other (optimal string alignment); case counts half as much as a letter. In half
/// steps.
func editDistance(_ a: KernelName, _ b: KernelName) -> Int {
  var beforeLast = InlineArray<33, Int>(repeating: 0)
  var last = InlineArray<33, Int>(repeating: 0)
  var row = InlineArray<33, Int>(repeating: 0)
  for column in 0...b.count { row[column] = 2 * column }
  for line in 0..<a.count {
    beforeLast = last
    last = row
    row[0] = 2 * (line + 1)
    for column in 0..<b.count {
      let isSame = a[line] == b[column]
      let isSameButCase = a[line] | 0x20 == b[column] | 0x20
      let exchange = last[column] + (isSame ? 0 : isSameButCase ? 1 : 2)
      var best = min(exchange, min(last[column + 1], row[column]) + 2)
      if line > 0 && column > 0 && a[line] == b[column - 1] && a[line - 1] == b[column] {
        best = min(best, beforeLast[column - 1] + 2)
      }
      row[column + 1] = best
    }
  }
  return row[b.count]
}
