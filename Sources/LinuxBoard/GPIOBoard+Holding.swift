import CGPIO
import CLinux
import Core
import Device
import Linux

/// Outputs outlive a run: a line stays as it is as long as anybody has it open. The service manager keeps
/// the descriptors over a restart, a crash included, and a process that executes itself anew keeps them itself.
/// Whoever gets them takes over the outputs that its profile has, too, and lets go of the others.
extension GPIOBoard {
  /// Takes over the outputs that the run before has left and that are set up alike here, but none whose chip is
  /// gone.
  mutating func takeOver() {
    held.takeHanded(manager)
    for handed in 0..<HandedDescriptors.count {
      let (descriptor, place) = held.handedLine(handed)
      guard let output = held[place], cgpio_output_get(descriptor) != -ENODEV else { continue }
      for index in 0..<lineCount where isOutput(index, like: output) {
        lines[index].place = place
        lines[index].isTakenOver = true
        lines[index].level = output.level == 1
        lines[index].setting.level = output.level == 1
        lines[index].revertsAt = Instant(nanoseconds: output.revert_at)
        requests[lines[index].request].line = descriptor
        HandedDescriptors.take(handed)
      }
    }
  }

  /// Lets go of the outputs that the run before has left and that are not taken over. From here on their lines
  /// can be requested, too.
  mutating func releaseOthers() {
    held.releaseHanded(manager) { place in
      for index in 0..<lineCount where lines[index].isTakenOver && lines[index].place == place {
        return true
      }
      return false
    }
  }

  /// True when a line of the request was left by the run before, and is not taken over.
  func isLeft(_ index: Int) -> Bool {
    let request = requests[index]
    for line in request.first..<request.first + request.count {
      guard let name = name(ofLine: line) else { continue }
      if name.withBytes({ HandedDescriptors.has($0) }) { return true }
    }
    return false
  }

  private func isOutput(_ index: Int, like output: cgpio_held_output) -> Bool {
    let line = lines[index]
    let setting = line.setting
    guard setting.output, !requests[line.request].isOpen, setting.offset == output.offset,
      cgpio_output_flags(setting) == output.flags, let chip = chips[line.chip].chip
    else { return false }
    return chip.name.equals(KernelName(field: output.chip))
      && chip.label.equals(KernelName(field: output.label))
  }

  /// Notes what a following run has to know of the outputs, all of which are requested now, and forgets
  /// those that there are no more.
  mutating func keepOutputs(points: Span<PointSpec>) {
    guard lineCount > 0, lines[lineCount - 1].setting.output else { return }
    if !held.isOpen { held.create() }
    var isKept = held.isOpen
    held.withDescriptor { descriptor, name in
      isKept = manager.keep(descriptor, as: name) || !manager.isThere
    }
    for place in HeldOutputs.places {
      var isOurs = false
      for index in 0..<lineCount where lines[index].place == place { isOurs = true }
      if !isOurs { held.forget(place) }
    }
    for index in 0..<lineCount where lines[index].setting.output {
      lines[index].output = points[lines[index].point].output
      isKept = keep(line: index) && isKept
    }
    guard !isKept else { return }
    Log.write(
      .warning, "outputs will not hold over a restart: the system does not keep all of them")
  }

  /// Gives an output into the service manager's keeping; false when that has failed.
  mutating func keep(line index: Int) -> Bool {
    let request = requests[lines[index].request]
    guard held.isOpen, request.line >= 0, let name = name(ofLine: index) else { return false }
    note(line: index)
    let isKept = name.withBytes { name in manager.keep(request.line, as: name) }
    return lines[index].place >= 0 && (isKept || !manager.isThere)
  }

  /// An output's chip is gone: nobody is to find it among those that are held.
  mutating func letGo(ofLine index: Int) {
    guard lines[index].place >= 0, let name = name(ofLine: index) else { return }
    name.withBytes { manager.letGo(of: $0) }
    held.forget(lines[index].place)
    lines[index].place = -1
  }

  private func name(ofLine index: Int) -> FixedText<48>? {
    let line = lines[index]
    return chips[line.chip].chip.map {
      HeldOutputs.lineName(chip: $0.name, offset: line.setting.offset)
    }
  }

  private mutating func note(line index: Int) {
    let line = lines[index]
    guard let chip = chips[line.chip].chip else { return }
    var output = cgpio_held_output()
    chip.name.write(field: &output.chip)
    chip.label.write(field: &output.label)
    output.flags = cgpio_output_flags(line.setting)
    output.offset = line.setting.offset
    output.level = Self.word(line.setting.level)
    output.start = Self.word(line.output.start)
    output.lost = Self.word(line.output.lost)
    output.stop = Self.word(line.output.stop)
    output.lost_after = line.output.lostAfter.nanoseconds
    output.revert_at = line.revertsAt.nanoseconds
    output.used = 1
    lines[index].place = held.note(output) ?? -1
  }

  private static func word(_ level: Bool?) -> UInt8 { level.map { $0 ? 1 : 0 } ?? 2 }

  // MARK: What the run says

  /// Calls `body` for each output that was taken over, with its level and when it is to go back to its start
  /// state.
  public func forEachTakenOver(_ body: (_ point: Int, _ level: Bool, _ revertsAt: Instant) -> Void)
  {
    for index in 0..<lineCount where lines[index].isTakenOver {
      body(lines[index].point, lines[index].level, lines[index].revertsAt)
    }
  }

  /// Since when the link was lost as the run before has seen it; `.never` when it was there, or there was
  /// no such run.
  public var linkLostSince: Instant { held.linkLostSince }

  /// See `Board`.
  public mutating func note(point: Int, revertsAt: Instant) {
    for index in 0..<lineCount where lines[index].point == point {
      lines[index].revertsAt = revertsAt
      held.setRevert(revertsAt, at: lines[index].place)
    }
  }

  /// See `Board`.
  public mutating func note(linkLostSince: Instant) { held.linkLostSince = linkLostSince }

  /// See `Board`.
  public mutating func handOn() {
    held.withDescriptor { descriptor, name in
      _ = HandedDescriptors.handOn(descriptor, as: name)
    }
    held.leave()
    for index in 0..<lineCount where lines[index].place >= 0 {
      let request = lines[index].request
      guard requests[request].line >= 0, let name = name(ofLine: index) else { continue }
      name.withBytes { name in _ = HandedDescriptors.handOn(requests[request].line, as: name) }
      // Whoever follows owns it now.
      requests[request].line = -1
    }
  }
}
