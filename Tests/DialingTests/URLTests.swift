import Core
import Dialing
import TestSupport
import Testing

/// What a broker's URL says, its texts as strings; the scheme comes as the kind.
private struct Parts: Equatable {
  var kind: Endpoint.Kind
  var host = ""
  var port: UInt16 = 0
  var path = ""
  var user = ""
}

private func text(_ text: Text, of url: [UInt8]) -> String {
  String(decoding: url[text.range], as: UTF8.self)
}

private func broker(_ url: String) throws(URLFault) -> Parts {
  let bytes = utf8(url)
  let read = try BrokerURL(bytes.span)
  let user = written(capacity: 256) { read.writeUser(of: bytes.span, into: &$0) }
  return Parts(
    kind: read.endpoint.kind, host: text(read.endpoint.host, of: bytes),
    port: read.endpoint.port, path: text(read.endpoint.path, of: bytes),
    user: String(decoding: user, as: UTF8.self))
}

private func fault(_ url: String) -> URLFault? {
  do throws(URLFault) { _ = try broker(url) } catch { return error }
  return nil
}

private func proxyFault(_ url: String) -> URLFault? {
  let bytes = utf8(url)
  do throws(URLFault) { _ = try ProxyURL(bytes.span) } catch { return error }
  return nil
}

@Suite struct URLTests {
  @Test(
    arguments: [
      ("mqtt://b", Parts(kind: .tcp, host: "b", port: 1883)),
      ("MQTT://b", Parts(kind: .tcp, host: "b", port: 1883)),
      ("tcp://b:1884/", Parts(kind: .tcp, host: "b", port: 1884)),
      ("mqtts://b", Parts(kind: .tls, host: "b", port: 8883)),
      ("ssl://b/", Parts(kind: .tls, host: "b", port: 8883)),
      ("tls://b:443", Parts(kind: .tls, host: "b", port: 443)),
      ("ws://b", Parts(kind: .webSocket, host: "b", port: 80)),
      ("ws://b/", Parts(kind: .webSocket, host: "b", port: 80, path: "/")),
      ("wss://b", Parts(kind: .secureWebSocket, host: "b", port: 443)),
      (
        "wss://ann@[::1]:9001/a/b%20c?d=e:f",
        Parts(kind: .secureWebSocket, host: "::1", port: 9001, path: "/a/b%20c?d=e:f", user: "ann")
      ),
      ("unix:///run/b.sock", Parts(kind: .unix, path: "/run/b.sock")),
      ("unix://ann@/b", Parts(kind: .unix, path: "/b", user: "ann")),
      ("mqtt://[fe80::1%eth0]:1", Parts(kind: .tcp, host: "fe80::1%eth0", port: 1)),
      ("mqtt://[::ffff:192.0.2.1]", Parts(kind: .tcp, host: "::ffff:192.0.2.1", port: 1883)),
      ("mqtt://a%40b%3ac%25@b", Parts(kind: .tcp, host: "b", port: 1883, user: "a@b:c%")),
      ("mqtt://%C3%A4@b", Parts(kind: .tcp, host: "b", port: 1883, user: "ä")),
      ("mqtt://site/pump@b:65535", Parts(kind: .tcp, host: "b", port: 65_535, user: "site/pump")),
      ("mqtt://b:00001883", Parts(kind: .tcp, host: "b", port: 1883)),
    ] as [(String, Parts)])
  private func eachPartMeansSomething(url: String, parts: Parts) throws {
    #expect(try broker(url) == parts)
  }

  @Test(
    arguments: [
      ("", .noURL), ("b", .noURL), ("b:1883", .noURL), ("mqtt:/b", .noURL), ("mqtt:", .noURL),
      ("http://b", .scheme), ("://b", .scheme), ("mqtt ://b", .scheme), ("mqttx://b", .scheme),
      ("mqtt://", .host), ("mqtt:///", .host), ("mqtt://:1883", .host), ("mqtt://a b", .host),
      ("mqtt://a?b", .host), ("mqtt://a/b", .host), ("mqtt://a//", .host), ("mqtt://a\\b", .host),
      ("mqtt://a\u{7F}b", .host), ("mqtt://a\0", .host), ("mqtt://a]", .host),
      ("mqtt://@a@b", .user),
      ("mqtt://[]", .host), ("mqtt://[::1", .brackets), ("mqtt://[b]", .address),
      ("mqtt://[127.0.0.1]", .address), ("mqtt://[::1%]", .address), ("mqtt://[[::1]]", .host),
      ("mqtt://[::1]1883", .port), ("mqtt://b:", .port), ("mqtt://b:0", .port),
      ("mqtt://b:65536", .port), ("mqtt://b:99999999999999999999", .port), ("mqtt://b:1x", .port),
      ("mqtt://b:+1", .port), ("mqtt://::1", .host), ("mqtt://fe80::1", .port),
      ("mqtt://a:b@c", .password), ("mqtt://:b@c", .password), ("unix://a:b@/c", .password),
      ("mqtt://@b", .user), ("mqtt://%@b", .user), ("mqtt://%4@b", .user), ("mqtt://%4x@b", .user),
      ("mqtt://%00@b", .user), ("mqtt://a\0@b", .user), ("mqtt://%FF@b", .user),
      ("mqtt://%C3@b", .user), ("ws://b/ c", .path), ("ws://b/c#d", .path), ("ws://b/ä", .path),
      ("ws://b/a@c", .path), ("ws://b/\r\nX: y", .path), ("ws:///mqtt", .host),
      ("unix://", .socketPath), ("unix:///", .socketPath), ("unix://host/x", .socketPath),
      ("unix://x", .socketPath), ("unix:///a%20b", .socketPath), ("unix:///a?b", .socketPath),
      ("unix:///a@b", .socketPath), ("unix://@/b", .user),
    ] as [(String, URLFault)])
  func anythingElseIsRefused(url: String, expected: URLFault) {
    #expect(fault(url) == expected)
  }

  @Test func lengthsAreBounded() {
    let x = { String(repeating: "x", count: $0) }
    #expect(fault("mqtt://" + x(253)) == nil && fault("mqtt://" + x(254)) == .host)
    #expect(fault("mqtt://\(x(256))@b") == nil && fault("mqtt://\(x(257))@b") == .user)
    #expect(fault("mqtt://\(String(repeating: "%41", count: 256))@b") == nil)
    #expect(fault("ws://b/" + x(511)) == nil && fault("ws://b/" + x(512)) == .path)
    #expect(fault("unix:///" + x(106)) == nil && fault("unix:///" + x(107)) == .socketPath)
    #expect(proxyFault("http://\(x(255))@p:1") == nil)
    #expect(proxyFault("http://\(x(256))@p:1") == .proxyUser)
  }

  /// Whatever is cut off or changed: refused or read, nothing traps, and no part lies outside.
  @Test func eachTruncationAndEachChangedByteIsReadOrRefused() {
    let url = utf8("wss://a%40b@[fe80::1%eth0]:9001/a/b?c=d")
    for count in 0...url.count { check(Array(url[..<count])) }
    for index in url.indices {
      for byte in 0...255 as ClosedRange<UInt8> {
        var changed = url
        changed[index] = byte
        check(changed)
      }
    }
  }

  private func check(_ url: [UInt8]) {
    guard let read = try? BrokerURL(url.span) else { return }
    for text in [read.endpoint.host, read.endpoint.path, read.user] {
      #expect(text.range.upperBound <= url.count)
    }
  }

  @Test(
    arguments: [
      ("http://p:3128", .http, "p", 3128, ""), ("http://ann@p:3128/", .http, "p", 3128, "ann"),
      ("socks5://p", .socks5, "p", 1080, ""), ("socks5h://a%3Ab@[::1]:9", .socks5, "::1", 9, "a:b"),
    ] as [(String, Proxy.Kind, String, UInt16, String)])
  func aProxysURLNamesIt(
    url: String, kind: Proxy.Kind, host: String, port: UInt16, user: String
  ) throws {
    let bytes = utf8(url)
    let read = try ProxyURL(bytes.span)
    #expect(read.proxy.kind == kind && read.proxy.port == port)
    #expect(text(read.proxy.host, of: bytes) == host)
    #expect(written(capacity: 256) { read.writeUser(of: bytes.span, into: &$0) } == utf8(user))
  }

  @Test(
    arguments: [
      ("p:3128", .proxyScheme), ("https://p:3128", .proxyScheme), ("socks4://p", .proxyScheme),
      ("http://p", .proxyPort), ("http://p:3128/x", .proxyPath), ("socks5://p//", .proxyPath),
      ("http://a:b@p:1", .password), ("http://a%3Ab@p:1", .proxyUser), ("http://:1", .host),
      ("http://p:0", .port),
    ] as [(String, URLFault)])
  func noOtherURLIsAProxys(url: String, expected: URLFault) {
    #expect(proxyFault(url) == expected)
  }
}
