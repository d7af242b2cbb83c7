import CLinux
import Core
import Testing

@testable import Linux

@Suite struct EventLoopTests {
  @Test func loopWakesAtItsDeadline() throws {
    var loop = try EventLoop()
    let start = Clock.now()
    let deadline = start + .microseconds(2_500)
    var events = 0
    while Clock.now() < deadline {
      loop.wait(until: deadline, at: Clock.now()) { _ in events += 1 }
    }
    let late = Clock.now() - deadline
    #expect(late >= .zero)
    #expect(late < .milliseconds(200))
    #expect(events == 0)
  }

  @Test func deadlineOfThePastDoesNotSleep() throws {
    var loop = try EventLoop()
    let start = Clock.now()
    loop.wait(until: start, at: start) { _ in }
    loop.wait(until: .boot, at: start) { _ in }
    #expect(Clock.now() - start < .seconds(1))
  }

  @Test func laterDeadlineReplacesAnEarlierOne() throws {
    var loop = try EventLoop()
    var now = Clock.now()
    let early = now + .milliseconds(5)
    let late = now + .milliseconds(60)
    // A byte that is there already ends the first wait before its deadline.
    let event = readableEvent()
    defer { close(event) }
    try loop.add(event, token: 1, read: true, write: false)
    loop.wait(until: early, at: now) { #expect($0.token == 1) }
    loop.remove(event)
    now = Clock.now()
    loop.wait(until: late, at: now) { _ in }
    #expect(Clock.now() >= late)
  }

  @Test func neverWaitsForAnEvent() throws {
    var loop = try EventLoop()
    let event = readableEvent()
    defer { close(event) }
    try loop.add(event, token: 7, read: true, write: false)
    var token: UInt32?
    while token == nil { loop.wait(until: .never, at: Clock.now()) { token = $0.token } }
    #expect(token == 7)
  }

  @Test func moreThanSixteenReadyDescriptorsAllGetTheirTurn() throws {
    var loop = try EventLoop()
    let events = (0..<40).map { _ in readableEvent() }
    defer { for event in events { close(event) } }
    for (token, event) in events.enumerated() {
      try loop.add(event, token: UInt32(token), read: true, write: false)
    }
    // The kernel turns them around: those that were reported go to the end of its list.
    var seen: Set<UInt32> = []
    let good = run(&loop, until: { seen.count == 40 }) { seen.insert($0.token) }
    #expect(good)
  }

  @Test func hangUpIsReported() throws {
    var loop = try EventLoop()
    let pair = try LinkPair()
    try loop.add(pair.far.descriptor, token: 3, read: true, write: false)
    pair.hangUp()
    var hungUp = false
    let good = run(&loop, until: { hungUp }) { hungUp = $0.hungUp }
    #expect(good)
    #expect(read(pair.far).result.isEnd)
  }
}

/// An eventfd that stays readable.
private func readableEvent() -> Int32 {
  let event = clinux_event_open()
  clinux_event_raise(event)
  return event
}
