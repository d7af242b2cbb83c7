import CGPIO
import CLinux
import Core
import Device
import Linux

/// The threads' side. Sound throughout: slots and state lie in the arena, which no thread
/// outlives, and are touched only under the mutex.
extension UnsafeMutablePointer<SensorThread.Shared> {
  func lock() { unsafe clinux_lock(&pointee.mutex) }

  func unlock() { unsafe clinux_unlock(&pointee.mutex) }

  /// A copy of slot `index`. Under the lock.
  func slot(_ index: Int) -> SensorThread.Slot {
    guard let slots = unsafe pointee.slots else { preconditionFailure("started with slots") }
    return unsafe slots[index]
  }

  /// Changes slot `index`. Under the lock.
  func update(_ index: Int, _ body: (inout SensorThread.Slot) -> Void) {
    guard let slots = unsafe pointee.slots else { preconditionFailure("started with slots") }
    unsafe body(&slots[index])
  }

  /// What a thread does: read whatever is due, until it is told to stop or was replaced.
  func serve() {
    unsafe lock()
    unsafe pointee.turn += 1
    let turn = unsafe pointee.turn
    while unsafe !pointee.isStopping && pointee.turn == turn {
      let now = Clock.now()
      let index = unsafe nextIdle()
      let due = index.map { unsafe slot($0).due } ?? now + .seconds(1)
      if let index, due <= now {
        unsafe serve(index, turn: turn, from: now)
      } else {
        unsafe sleep(due - now)
      }
    }
    unsafe pointee.threads -= 1
    unsafe closeIfLast()
    unsafe unlock()
  }

  /// The sensor that is due first, of those that nobody reads.
  private func nextIdle() -> Int? {
    var best: Int?
    for index in unsafe 0..<pointee.count where unsafe slot(index).busySince == .never {
      if let known = best, unsafe slot(known).due <= slot(index).due { continue }
      best = index
    }
    return best
  }

  private func sleep(_ interval: Interval) {
    let stop = unsafe pointee.stop
    let milliseconds = min(interval.milliseconds + 1, 3_600_000)
    unsafe unlock()
    _ = clinux_wait_readable(stop, Int32(truncatingIfNeeded: milliseconds))
    unsafe lock()
  }

  /// Reads one sensor, without the lock meanwhile.
  private func serve(_ index: Int, turn: Int, from start: Instant) {
    let timer = unsafe pointee.timer
    let reader = unsafe pointee.reader
    var address = unsafe slot(index).address
    let last = unsafe slot(index).lastValue
    unsafe update(index) { slot in slot.busySince = start }
    let limit = unsafe start + pointee.timeout
    _ = clinux_timer_set(timer, limit.nanoseconds)
    unsafe unlock()
    let reading = reader.readConfirmed(&address, last: last)
    let end = Clock.now()
    unsafe lock()
    unsafe update(index) { slot in
      slot.address = address
      slot.reading = reading
      slot.readAt = end
      if case .value(let value) = reading { slot.lastValue = value }
      slot.isFresh = true
      slot.busySince = .never
      slot.isOverdue = false
      // Readings that were missed are left out, and the rhythm is kept.
      if slot.due == .boot { slot.due = start }
      let missed = (end - slot.due).nanoseconds / slot.every.nanoseconds
      slot.due = slot.due + slot.every * (max(0, missed) + 1)
    }
    if unsafe pointee.turn == turn { _ = clinux_timer_set(timer, 0) }
    if unsafe !pointee.isStopping { clinux_event_raise(unsafe pointee.replies) }
  }

  /// Gives the descriptors back once the owner has gone and no thread is left. Under the lock.
  func closeIfLast() {
    guard unsafe pointee.isStopping && pointee.threads == 0 else { return }
    close(unsafe pointee.replies)
    close(unsafe pointee.timer)
    close(unsafe pointee.stop)
  }
}

extension SensorReader {
  /// How far apart two readings may lie to confirm each other, in kelvins.
  private var likely: Double { 5 }

  /// Reads the value. Exactly 85 °C is what a DS18B20 holds after power-on, before it has measured
  /// (data sheet, "Operation, Measuring Temperature"): it is believed only near the latest value;
  /// else the sensor is read once more, and is unreadable if it says the same again.
  func readConfirmed(_ address: inout SensorAddress, last: Double) -> SensorReading {
    let reading = read(&address)
    guard address.source == .oneWire, case .value(85) = reading, !(abs(last - 85) <= likely)
    else { return reading }
    let second = read(&address)
    if case .value(85) = second { return .fault(.unreadable) }
    return second
  }
}
