import CLinux
import Core

/// The one place that waits: an epoll set, and a timer on CLOCK_BOOTTIME, so that a deadline is
/// kept to the microsecond and one that passed in suspend is served at once on resume.
public struct EventLoop: ~Copyable {
  /// What happened at one descriptor.
  public struct Ready: BitwiseCopyable, Sendable {
    /// The token that the descriptor was added with.
    public var token: UInt32
    /// Reading will not block.
    public var readable: Bool
    /// Writing will not block.
    public var writable: Bool
    /// The other side has closed, or the descriptor has failed. Read to learn which.
    public var hungUp: Bool
  }

  private static var timerToken: UInt32 { .max }

  private let epoll: Int32
  private let timer: Int32
  private var armed = Instant.never

  /// A loop that watches nothing yet.
  public init() throws(SystemError) {
    let epoll = clinux_epoll_open()
    guard epoll >= 0 else { throw .last("epoll_create1") }
    let timer = clinux_timer_open()
    guard timer >= 0 else {
      let error = SystemError.last("timerfd_create")
      close(epoll)
      throw error
    }
    guard clinux_epoll_set(epoll, true, timer, Self.timerToken, true, false) == 0 else {
      let error = SystemError.last("epoll_ctl")
      close(timer)
      close(epoll)
      throw error
    }
    self.epoll = epoll
    self.timer = timer
  }

  deinit {
    close(timer)
    close(epoll)
  }

  /// The loop's own descriptor: readable while any that it watches is ready, so that one loop can
  /// watch another.
  public var descriptor: Int32 { epoll }

  /// Watches `descriptor`, level-triggered, under a token below `UInt32.max`. A hang-up is always
  /// reported.
  public func add(
    _ descriptor: Int32, token: UInt32, read: Bool, write: Bool
  ) throws(SystemError) {
    precondition(token != Self.timerToken)
    guard clinux_epoll_set(epoll, true, descriptor, token, read, write) == 0 else {
      throw .last("epoll_ctl")
    }
  }

  /// Changes what is watched for at a descriptor that was added.
  public func modify(
    _ descriptor: Int32, token: UInt32, read: Bool, write: Bool
  ) throws(SystemError) {
    precondition(token != Self.timerToken)
    guard clinux_epoll_set(epoll, false, descriptor, token, read, write) == 0 else {
      throw .last("epoll_ctl")
    }
  }

  /// Watches `descriptor` no more. To be called before it is closed.
  public func remove(_ descriptor: Int32) { _ = clinux_epoll_remove(epoll, descriptor) }

  /// Sleeps until a descriptor is ready or `deadline` has come, and reports what is ready: at most
  /// 16 descriptors a turn, the rest in the next. Does not sleep when `deadline` is not after
  /// `now`; sleeps without limit for `.never`. May return early with nothing to report.
  public mutating func wait(
    until deadline: Instant, at now: Instant, _ ready: (Ready) -> Void
  ) {
    let sleeps = deadline > now
    if sleeps && deadline != armed {
      _ = clinux_timer_set(timer, deadline == .never ? 0 : deadline.nanoseconds)
      armed = deadline
    }
    var events = InlineArray<16, clinux_ready>(repeating: clinux_ready())
    var slots = events.mutableSpan
    let count = unsafe slots.withUnsafeMutableBufferPointer { slots in
      // Sound: there is room for CLINUX_READY_MAX (16) events.
      unsafe clinux_epoll_wait(epoll, sleeps, slots.baseAddress)
    }
    precondition(count >= 0, "the loop's own descriptor is good")
    for index in 0..<Int(count) {
      let event = events[index]
      if event.token == Self.timerToken {
        clinux_event_clear(timer)
        armed = .never
      } else {
        ready(
          Ready(
            token: event.token,
            readable: event.flags & UInt32(CLINUX_READABLE) != 0,
            writable: event.flags & UInt32(CLINUX_WRITABLE) != 0,
            hungUp: event.flags & UInt32(CLINUX_HUNG_UP) != 0))
      }
    }
  }
}
