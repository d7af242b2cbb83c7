import CGPIO
import CLinux
import Core
import Device
import Linux

extension GPIOBoard {
  /// Reports the levels at start (once), then every edge, loss, sample and fault since the last
  /// call. A burst that the kernel keeps is taken in turns of about a thousand edges a request;
  /// the descriptor stays readable for the rest.
  public mutating func poll(at now: Instant, _ report: (BoardEvent) -> Void) {
    guard openedAt != .never else { return }
    if !isAnnounced {
      for index in 0..<lineCount where !lines[index].setting.output {
        report(.level(point: lines[index].point, level: lines[index].level, at: openedAt))
      }
      isAnnounced = true
    }
    var tokens = InlineArray<16, UInt32>(repeating: 0)
    var count = 0
    loop?.wait(until: now, at: now) { ready in
      tokens[count] = ready.token
      count += 1
    }
    for index in 0..<count {
      if tokens[index] >= Self.sensorReplyToken {
        sensors.collect(at: now, report)
      } else {
        drain(Int(tokens[index]), at: now, report)
      }
    }
    if now >= checkAt { check(at: now, report) }
  }

  /// Takes the edges that wait at a request.
  private mutating func drain(_ index: Int, at now: Instant, _ report: (BoardEvent) -> Void) {
    let request = requests[index]
    guard let handle = request.handle else { return }
    let clocks = EdgeClock()
    var events = InlineArray<16, cgpio_event>(repeating: cgpio_event())
    for _ in 0..<64 {
      var slots = events.mutableSpan
      let count = unsafe slots.withUnsafeMutableBufferPointer {
        // Sound: there is room for CGPIO_EVENTS_MAX (16) edges; handle and buffer are ours.
        unsafe cgpio_read(handle, buffer, $0.baseAddress)
      }
      if count == -EAGAIN || count == -EINTR || count == 0 { break }
      guard count > 0 else {
        lose(index, at: now, report)
        return
      }
      for place in 0..<Int(count) {
        take(events[place], of: request, at: min(now, clocks.instant(of: events[place])), report)
      }
      guard count == CGPIO_EVENTS_MAX else { break }
      // 1.6 does not tell that its kernel buffer, 16 edges a line, has overflown: a full one may.
      if cgpio_api() == 1 { lines[request.first].needsReading = true }
    }
    for line in request.first..<request.first + request.count where lines[line].needsReading {
      lines[line].needsReading = false
      guard let level = level(of: line) else { continue }
      lines[line].level = level == 1
      report(.level(point: lines[line].point, level: level == 1, at: now))
    }
  }

  private mutating func take(
    _ event: cgpio_event, of request: LineRequest, at instant: Instant,
    _ report: (BoardEvent) -> Void
  ) {
    for index in request.first..<request.first + request.count
    where lines[index].setting.offset == event.offset {
      let point = lines[index].point
      if event.sequence != 0 {
        let lost = event.sequence &- lines[index].sequence &- 1
        lines[index].sequence = event.sequence
        if lost > 0 {
          report(.edgesLost(point: point, count: Int(truncatingIfNeeded: lost)))
          lines[index].needsReading = true
        }
      }
      lines[index].level = event.rising
      lines[index].isTouched = true
      report(.edge(point: point, level: event.rising, at: instant))
      return
    }
  }

  /// The level that reads now, 0 or 1; nil when it cannot be read.
  func level(of index: Int) -> Int32? {
    let level = requests[lines[index].request].level(lines[index].setting.offset)
    return level < 0 ? nil : level
  }

  /// Reads every line: finds levels that changed unseen, chips that vanished, and chips that came
  /// back.
  private mutating func check(at now: Instant, _ report: (BoardEvent) -> Void) {
    checkAt = now + Self.checkEvery
    for index in 0..<requestCount where requests[index].isOpen {
      let request = requests[index]
      if lines[request.first].setting.output {
        check(output: request.first, at: now, report)
        continue
      }
      var levels = InlineArray<64, Int32>(repeating: 0)
      var isLost = false
      for place in 0..<request.count {
        lines[request.first + place].isTouched = false
        let level = level(of: request.first + place)
        levels[place] = level ?? 0
        if level == nil { isLost = true }
      }
      if isLost {
        lose(index, at: now, report)
        continue
      }
      // Edges from before the reading explain a difference; only what they leave is reported.
      drain(index, at: now, report)
      for place in 0..<request.count {
        let line = request.first + place
        let level = levels[place] == 1
        guard !lines[line].isTouched, lines[line].level != level else { continue }
        lines[line].level = level
        report(.level(point: lines[line].point, level: level, at: now))
      }
    }
    for index in 0..<chipCount { recover(index, at: now, report) }
  }

  /// An output is given up only with its chip: one that does not answer now keeps its state.
  private mutating func check(
    output index: Int, at now: Instant, _ report: (BoardEvent) -> Void
  ) {
    let line = lines[index]
    let level = requests[line.request].level(line.setting.offset)
    if level == -ENODEV { return lose(line.request, at: now, report) }
    lines[index].isUnreadable = level < 0
    if level < 0 {
      checkAt = min(checkAt, now + .seconds(1))
      if !line.isUnreadable { report(.failed(point: line.point, fault: .unreadable, at: now)) }
    } else if line.isUnreadable {
      report(.level(point: line.point, level: level == 1, at: now))
    }
  }

  /// Gives up a request whose chip does not answer any more.
  private mutating func lose(_ index: Int, at now: Instant, _ report: (BoardEvent) -> Void) {
    let request = requests[index]
    guard request.isOpen else { return }
    if lines[request.first].setting.output {
      letGo(ofLine: request.first)
    } else if let handle = request.handle {
      loop?.remove(unsafe cgpio_descriptor(handle))
    }
    request.release()
    requests[index] = LineRequest(first: request.first, count: request.count)
    for line in request.first..<request.first + request.count {
      report(.failed(point: lines[line].point, fault: .missing, at: now))
    }
  }

  /// Takes lost lines again, outputs in the state that was last commanded. A chip of which all
  /// lines were lost is looked for first: the same label, at least as many lines.
  private mutating func recover(
    _ slot: Int, at now: Instant, _ report: (BoardEvent) -> Void
  ) {
    var lost = 0
    var open = 0
    for index in 0..<requestCount where lines[requests[index].first].chip == slot {
      if requests[index].isOpen { open += 1 } else { lost += 1 }
    }
    guard lost > 0 else { return }
    if open == 0 { reopen(slot) }
    for index in 0..<requestCount where lines[requests[index].first].chip == slot {
      guard !requests[index].isOpen, makeRequest(index) == 0 else { continue }
      if lines[requests[index].first].setting.output {
        _ = keep(line: requests[index].first)
      }
      startAnew(index, at: now, report)
    }
  }

  private mutating func reopen(_ slot: Int) {
    chips[slot].chip?.close()
    chips[slot].chip = nil
    for number in 0..<Chip.numberLimit {
      guard let chip = try? Chip.open(number) else { continue }
      if chip.label.equals(chips[slot].label) && chip.lineCount >= chips[slot].lineCount {
        chips[slot].chip = chip
        return
      }
      chip.close()
    }
  }

  private mutating func startAnew(
    _ index: Int, at now: Instant, _ report: (BoardEvent) -> Void
  ) {
    let request = requests[index]
    try? watch(index)
    for line in request.first..<request.first + request.count {
      lines[line].sequence = 0
      guard let level = level(of: line) else { continue }
      lines[line].level = level == 1
      report(.level(point: lines[line].point, level: level == 1, at: now))
    }
  }
}

/// Turns the kernel's time of an edge into an `Instant`. CLOCK_BOOTTIME is ahead of
/// CLOCK_MONOTONIC by the time spent in suspend, so an edge from before a suspend and read after
/// it appears that much too late.
private struct EdgeClock {
  private let monotonic = clinux_monotonic()
  private let toBoottime: Int64
  private let fromRealtime: Int64

  init() {
    let boottime = clinux_boottime()
    toBoottime = boottime - monotonic
    fromRealtime = boottime - clinux_realtime()
  }

  func instant(of event: cgpio_event) -> Instant {
    // Before Linux 5.7 the first interface told the wall clock's time, far ahead of the monotonic.
    let isRealtime = event.timestamp > monotonic + 1_000_000_000
    return Instant(nanoseconds: event.timestamp + (isRealtime ? fromRealtime : toBoottime))
  }
}
