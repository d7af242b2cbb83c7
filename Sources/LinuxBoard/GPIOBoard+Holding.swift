import CGPIO
import CLinux
import Core
import Device
import Linux

/// Outputs outlive a run: a line stays as it is as long as anybody has it open. The service manager keeps
/// the descriptors over a restart, a crash included, and a process that executes itself anew keeps them itself.
/// Whoever gets them takes over the outputs that its profile has, too, and lets go of the others.
extension GPIOBoard {
  /// Takes over the outputs that the run before has left.
  mutating func takeOver() {
    var rest = 0
    for index in 0..<HandedDescriptors.count {
      HandedDescriptors.with(index) { descriptor, name in
        guard Self.isName(name) else {
          rest += 1
          return
        }
        // It may be of another form than ours: then its lines are requested anew.
        if !held.isOpen, !held.open(descriptor) { manager.letGo(of: name) }
      }
    }
    var isStray = false
    for index in 0..<(rest > 0 ? HandedDescriptors.count : 0) {
      HandedDescriptors.with(index) { descriptor, name in
        guard !Self.isName(name), !takeOver(descriptor, name) else { return }
        close(descriptor)
        manager.letGo(of: name)
        isStray = true
      }
    }
    // A line is free only once nobody has it open any more.
    if isStray { manager.settle() }
  }

  private static func isName(_ name: Span<UInt8>) -> Bool {
    withBytes(of: HeldOutputs.name) { name.equals($0) }
  }

  /// Takes over the output of that name. False when the profile has none that is set up alike, which then has
  /// gone to its state for a stop; or when its chip is gone.
  private mutating func takeOver(_ descriptor: Int32, _ name: Span<UInt8>) -> Bool {
    guard let place = held.place(named: name), let output = held[place] else { return false }
    let level = cgpio_output_get(descriptor)
    for index in 0..<lineCount where level >= 0 && isOutput(index, like: output) {
      lines[index].place = place
      lines[index].isTakenOver = true
      lines[index].level = level == 1
      lines[index].setting.level = level == 1
      requests[lines[index].request].line = descriptor
      return true
    }
    if output.stop <= 1 { _ = cgpio_output_set(descriptor, output.stop == 1) }
    held.forget(place)
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
    if !held.isOpen {
      held.create()
      held.withDescriptor { descriptor, name in _ = manager.keep(descriptor, as: name) }
    }
    for place in HeldOutputs.places {
      var isOurs = false
      for index in 0..<lineCount where lines[index].place == place { isOurs = true }
      if !isOurs { held.forget(place) }
    }
    for index in 0..<lineCount where lines[index].setting.output {
      lines[index].stop = points[lines[index].point].output.stop
      if lines[index].isTakenOver { note(line: index) } else { keep(line: index) }
    }
  }

  /// Gives an output into the service manager's keeping.
  mutating func keep(line index: Int) {
    let request = requests[lines[index].request]
    guard held.isOpen, request.line >= 0, let name = name(ofLine: index) else { return }
    note(line: index)
    name.withBytes { name in _ = manager.keep(request.line, as: name) }
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
    output.stop = line.stop.map { $0 ? 1 : 0 } ?? 2
    output.used = 1
    output.revert_at = line.place >= 0 ? held[line.place]?.revert_at ?? Int64.max : Int64.max
    lines[index].place = held.note(output) ?? -1
  }

  // MARK: What the run says

  /// Calls `body` for each output that was taken over, with its level and when it is to go back to its start
  /// state.
  public func forEachTakenOver(_ body: (_ point: Int, _ level: Bool, _ revertsAt: Instant) -> Void)
  {
    for index in 0..<lineCount where lines[index].isTakenOver {
      let revertsAt = held[lines[index].place].map { Instant(nanoseconds: $0.revert_at) }
      body(lines[index].point, lines[index].level, revertsAt ?? .never)
    }
  }

  /// Since when the link was lost as the run before has seen it; `.never` when it was there, or there was
  /// no such run.
  public var linkLostSince: Instant { held.linkLostSince }

  /// See `Board`.
  public mutating func note(point: Int, revertsAt: Instant) {
    for index in 0..<lineCount where lines[index].point == point {
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
