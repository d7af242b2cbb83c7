import Core

/// Which of a host's addresses to connect to, and when: "Happy Eyeballs" (RFC 8305, section 5).
///
/// The addresses are tried in turn, those of both families by turns and the first one's family
/// first. The next attempt begins `delay` after the last, or at once when one fails. The first that
/// connects wins, and the others are closed. Should the winner turn out to be of no use, the race
/// goes on with the addresses that have not failed yet.
///
///     slots   |  address 0  |  address 4  |  address 1  |   free   |       what is being tried
///
/// Where all slots are taken the oldest attempt gives way once it has had `patience`, so that a few
/// addresses that swallow everything do not keep the others from being tried.
///
/// Reads no clock and no socket: what happened goes in, and what to do comes out of `next`.
public struct AddressRace: BitwiseCopyable, Sendable {
  /// What to do.
  public enum Action: BitwiseCopyable, Equatable, Sendable {
    /// Begin to connect to this address, in this slot.
    case connect(address: Int, slot: Int)
    /// Close what is in this slot.
    case close(slot: Int)
  }

  /// How it stands.
  public enum State: BitwiseCopyable, Equatable, Sendable {
    /// Somebody may still win.
    case racing
    /// What is in this slot is connected, and the only one left.
    case won(slot: Int)
    /// No address took the connection; `code` is errno of the last that failed, 0 if all that is
    /// known is that they did not answer.
    case lost(code: Int32)
  }

  private struct Attempt: BitwiseCopyable, Sendable {
    var address = 0
    var begun = Instant.boot
    /// False while the slot is free.
    var isOpen = false
  }

  /// The most addresses that are looked at.
  public static var addressesMax: Int { 8 }
  /// The most attempts that are under way at once.
  public static var slotCount: Int { 4 }
  /// How long an attempt is the latest (RFC 8305, "Connection Attempt Delay").
  public static var delay: Interval { .milliseconds(250) }

  /// How it stands. Ask after `next` had nothing more to do.
  public private(set) var state = State.racing
  /// Addresses in the order in which they are tried.
  private var order = InlineArray<8, UInt8>(repeating: 0)
  /// The addresses that are not to be tried any more, a bit for each.
  private var tried: UInt8 = 0
  private let count: Int
  private let patience: Interval
  private var attempts = InlineArray<4, Attempt>(repeating: Attempt())
  /// Slots that are to be closed.
  private var leaving: UInt8 = 0
  private var nextAt: Instant
  private var lastCode: Int32 = 0

  /// A race that begins at `start` between `count` addresses, of which those whose bit is set in
  /// `isV6` are IPv6.
  public init(count: Int, isV6: UInt8, patience: Interval, start: Instant) {
    precondition(count >= 0)
    self.count = min(count, Self.addressesMax)
    self.patience = patience
    nextAt = start
    sort(isV6: isV6)
    if self.count == 0 { state = .lost(code: 0) }
  }

  /// RFC 8305, section 4: "First Address Family Count" is 1.
  private mutating func sort(isV6: UInt8) {
    func isV6At(_ address: Int) -> Bool { isV6 >> UInt8(address) & 1 == 1 }
    var taken: UInt8 = 0
    var wanted = isV6At(0)
    for place in 0..<count {
      var chosen: Int?
      for address in 0..<count where taken >> UInt8(address) & 1 == 0 {
        if chosen == nil { chosen = address }
        if isV6At(address) == wanted {
          chosen = address
          break
        }
      }
      guard let chosen else { return }
      order[place] = UInt8(chosen)
      taken |= 1 << UInt8(chosen)
      wanted = !isV6At(chosen)
    }
  }

  /// The earliest moment at which `next` has something to do by itself.
  public var deadline: Instant {
    guard state == .racing, nextUntried != nil else { return .never }
    guard freeSlot == nil else { return nextAt }
    return oldest.map { max(nextAt, attempts[$0].begun + patience) } ?? nextAt
  }

  /// The next thing to do at `now`, or nil.
  public mutating func next(at now: Instant) -> Action? {
    if leaving != 0 {
      let slot = leaving.trailingZeroBitCount
      leaving &= leaving &- 1
      return .close(slot: slot)
    }
    guard state == .racing else { return nil }
    guard let place = nextUntried else {
      if oldest == nil { state = .lost(code: lastCode) }
      return nil
    }
    guard nextAt <= now else { return nil }
    guard let slot = freeSlot else {
      guard let oldest, attempts[oldest].begun + patience <= now else { return nil }
      attempts[oldest].isOpen = false
      return .close(slot: oldest)
    }
    let address = Int(order[place])
    // Whatever becomes of it, it is not tried again, unless another was merely faster.
    tried |= 1 << UInt8(address)
    attempts[slot] = Attempt(address: address, begun: now, isOpen: true)
    nextAt = now + Self.delay
    return .connect(address: address, slot: slot)
  }

  /// What is in `slot` is connected.
  public mutating func connected(slot: Int) {
    guard state == .racing, attempts[slot].isOpen else { return }
    state = .won(slot: slot)
    for other in attempts.indices where other != slot && attempts[other].isOpen {
      attempts[other].isOpen = false
      tried &= ~(1 << UInt8(attempts[other].address))
      leaving |= 1 << UInt8(other)
    }
  }

  /// What is in `slot` could not be connected; the rim has closed it. `code` is errno.
  public mutating func failed(slot: Int, code: Int32) {
    guard state == .racing, attempts[slot].isOpen else { return }
    attempts[slot].isOpen = false
    lastCode = code
    nextAt = .boot
  }

  /// The winner is of no use; the rim has closed it. True when others are left to be tried.
  public mutating func resume(at now: Instant) -> Bool {
    guard case .won(let slot) = state else { return false }
    attempts[slot].isOpen = false
    guard nextUntried != nil else { return false }
    state = .racing
    nextAt = now
    return true
  }

  /// The place in `order` of the next address that was not tried.
  private var nextUntried: Int? {
    for place in 0..<count where tried >> order[place] & 1 == 0 { return place }
    return nil
  }

  private var freeSlot: Int? {
    for slot in attempts.indices where !attempts[slot].isOpen { return slot }
    return nil
  }

  private var oldest: Int? {
    var oldest: Int?
    for slot in attempts.indices where attempts[slot].isOpen {
      if let known = oldest, attempts[known].begun <= attempts[slot].begun { continue }
      oldest = slot
    }
    return oldest
  }
}
