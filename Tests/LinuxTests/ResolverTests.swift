import Core
import Testing

@testable import Linux

@Suite struct ResolverTests {
  /// The answer that the loop is woken for.
  private func answer(_ resolver: inout Resolver) throws -> Resolution? {
    var loop = try EventLoop()
    try loop.add(resolver.descriptor, token: 0, read: true, write: false)
    var woken = false
    _ = run(&loop, until: { woken }) { _ in woken = true }
    return resolver.takeReply()
  }

  @Test func numericAddressIsAnsweredAtOnce() throws {
    var resolver = try Resolver()
    let generation = bytes("127.0.0.1") { resolver.request(host: $0, port: 1883) }
    let reply = resolver.takeReply()
    #expect(reply?.generation == generation)
    #expect(reply?.count == 1)
    #expect(reply?[0] == .loopback(port: 1883))
    #expect(resolver.takeReply() == nil)
  }

  @Test func nameOfThisMachineIsResolvedOffTheLoop() throws {
    var resolver = try Resolver()
    let generation = bytes("localhost") { resolver.request(host: $0, port: 1883) }
    let reply = try answer(&resolver)
    #expect(reply?.generation == generation)
    #expect((reply?.count ?? 0) >= 1)
    #expect(reply?.errorCode == 0)
    #expect(reply?[0].port == 1883)
  }

  @Test(arguments: ["no-such-host.invalid", "", "two words", String(repeating: "a", count: 300)])
  func unknownNameIsReportedWithAText(name: String) throws {
    var resolver = try Resolver()
    _ = bytes(name) { resolver.request(host: $0, port: 1) }
    let reply = try answer(&resolver)
    #expect(reply?.count == 0)
    #expect(reply?.errorCode != 0)
    let message = reply?.withMessage { message in message.count } ?? 0
    #expect(message > 5)
  }

  @Test func laterRequestSupersedesAnEarlierOne() throws {
    var resolver = try Resolver()
    let first = bytes("no-such-host.invalid") { resolver.request(host: $0, port: 1) }
    let second = bytes("localhost") { resolver.request(host: $0, port: 2) }
    #expect(first != second)
    let reply = try answer(&resolver)
    #expect(reply?.generation == second)
    #expect(reply?[0].port == 2)
    #expect(resolver.takeReply() == nil)
  }

  @Test func resolverThatIsLeftInTheMiddleOfALookupDoesNoHarm() throws {
    for _ in 0..<50 {
      var resolver = try Resolver()
      _ = bytes("no-such-host.invalid") { resolver.request(host: $0, port: 1) }
    }
  }
}
