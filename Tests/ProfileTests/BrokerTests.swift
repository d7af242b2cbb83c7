import Profile
import Testing

private func reading(_ url: String) -> Reading {
  profile(around: "\"broker\": {\"url\": \"\(url)\"}")
}

@Test(
  arguments: [
    ("mqtt://broker.example", "broker.example", 1883, ""),
    ("mqtt://broker.example/", "broker.example", 1883, ""),
    ("tcp://broker.example:1884", "broker.example", 1884, ""),
    ("mqtt://10.0.0.1:1", "10.0.0.1", 1, ""),
    ("mqtt://pi:65535/", "pi", 65_535, ""),
    ("mqtt://[::1]", "::1", 1883, ""),
    ("mqtt://[fe80::1%eth0]:1884", "fe80::1%eth0", 1884, ""),
    ("mqtt://ann@broker.example:1884", "broker.example", 1884, "ann"),
    ("mqtt://site/pump@[::1]", "::1", 1883, "site/pump"),
    ("mqtt://a%40b@broker.example", "broker.example", 1883, "a@b"),
  ] as [(String, String, UInt16, String)])
func aURLNamesHostPortAndUser(url: String, host: String, port: UInt16, user: String) throws {
  let configuration = try #require(reading(url).configuration, "\(reading(url).told)")
  #expect(configuration.string(configuration.uplink.dial.endpoint.host) == host)
  #expect(configuration.uplink.dial.endpoint.port == port)
  #expect(configuration.string(configuration.uplink.user) == user)
}

@Test(
  arguments: [
    ("ws://broker.example", "broker.example", 80, "", ""),
    ("ws://broker.example/", "broker.example", 80, "", "/"),
    ("ws://broker.example:8080", "broker.example", 8080, "", ""),
    ("ws://broker.example/a/b%20c?d=e:f", "broker.example", 80, "", "/a/b%20c?d=e:f"),
    ("ws://ann@[::1]:9001/mqtt", "::1", 9001, "ann", "/mqtt"),
    ("mqtt://broker.example", "broker.example", 1883, "", ""),
    ("unix:///run/broker.sock", "", 0, "", "/run/broker.sock"),
  ] as [(String, String, UInt16, String, String)])
func aURLMayHaveAPath(
  url: String, host: String, port: UInt16, user: String, path: String
) throws {
  let configuration = try #require(reading(url).configuration, "\(reading(url).told)")
  #expect(configuration.string(configuration.uplink.dial.endpoint.host) == host)
  #expect(configuration.uplink.dial.endpoint.port == port)
  #expect(configuration.string(configuration.uplink.user) == user)
  #expect(configuration.string(configuration.uplink.dial.endpoint.path) == path)
}

@Test func aPathHasUpTo512Bytes() {
  #expect(reading("ws://b/" + String(repeating: "a", count: 511)).told == [])
  #expect(reading("ws://b/" + String(repeating: "a", count: 512)).told.count == 1)
}

@Test func aCommandLineWithoutWebSocketUndoesTheProfiles() throws {
  let broker = #""broker": {"url": "ws://b/path"}"#
  let configuration = try #require(profile(around: broker, brokerURL: "mqtt://c").configuration)
  let endpoint = configuration.uplink.dial.endpoint
  #expect(endpoint.path.isEmpty && endpoint.port == 1883)
}

@Test(
  arguments: [
    ("broker.example", "expected a URL such as"), ("broker.example:1883", "expected a URL such as"),
    ("mqtt:broker.example", "expected a URL such as"), ("://x", "expected a URL that begins with"),
    (
      "http://broker.example",
      "expected a URL that begins with mqtt://, mqtts://, ws://, wss:// or unix://"
    ),
    ("unix://run/broker", "expected unix:// and the socket's path"),
    ("mqtt://[broker]", "expected an IPv6 address in the brackets"),
    ("mqtt://", "the host name is missing"), ("mqtt:///", "the host name is missing"),
    ("mqtt://:1883", "the host name is missing"), ("mqtt://[]", "the host name is missing"),
    ("mqtt://a b", "the host name is missing, or cannot be one"),
    ("mqtt://a/b", "the host name is missing, or cannot be one"),
    ("mqtt://a?b", "the host name is missing, or cannot be one"),
    ("mqtt://a\\u0000b", "the host name is missing, or cannot be one"),
    ("mqtt://[::1", "the host's brackets are not closed"),
    ("mqtt://[::1]1883", "expected a port from 1 to 65535"),
    ("mqtt://a:", "expected a port from 1 to 65535"),
    ("mqtt://a:0", "expected a port from 1 to 65535"),
    ("mqtt://a:65536", "expected a port from 1 to 65535"),
    ("mqtt://a:99999999999999999999", "expected a port from 1 to 65535"),
    ("mqtt://a:18x3", "expected a port from 1 to 65535"),
    ("mqtt://a:1883/b", "expected a port from 1 to 65535"),
    ("ws://", "the host name is missing"), ("ws:///mqtt", "the host name is missing"),
    ("ws://a:0/mqtt", "expected a port from 1 to 65535"),
    ("ws://a?b", "the host name is missing, or cannot be one"),
    ("ws://a/b c", "the path has"), ("ws://a/b#c", "the path has"), ("ws://a/ä", "the path has"),
    ("ws://a/b@c", "the path has"), ("ws://a/\\u000d\\u000aX: y", "the path has"),
    ("mqtt://@a", "the user name before @ is empty"),
  ] as [(String, String)])
func anotherURLIsRefusedWithTheReason(url: String, reason: String) {
  let messages = reading(url).messages
  #expect(messages.count == 1)
  #expect(messages[0].hasPrefix("/broker/url: " + reason), "\(messages)")
}

@Test func aHostNameHasUpTo253Bytes() {
  #expect(reading("mqtt://" + String(repeating: "a", count: 253)).told == [])
  #expect(reading("mqtt://" + String(repeating: "a", count: 254)).told.count == 1)
}

@Test(arguments: [
  "mqtt://ann:hunter2@broker.example", "mqtt://:hunter2@broker.example",
  "mqtt://ann:hun@hunter2@broker.example", "mqtts://ann:hunter2@broker.example",
  "ann:hunter2@broker.example", "mqtt://ann:hunter2", "mqtt://ann@x:hunter2@broker.example",
  "mqtt//ann:hunter2@broker.example", "ws://ann:hunter2@broker.example/mqtt",
  "ws://ann/x:hunter2@broker.example", "ws://broker.example/ann:hunter2@x",
])
func aPasswordIsRefusedAndNeverRepeated(url: String) {
  for reading in [reading(url), profile(around: #""description": "x""#, brokerURL: url)] {
    #expect(reading.configuration == nil)
    #expect(!reading.told.isEmpty)
    #expect(!reading.text.contains("hunter2"), "\(reading.told)")
  }
}

@Test func aPasswordInAURLIsToldWhereItBelongs() {
  #expect(
    reading("mqtt://ann:hunter2@broker.example").messages == [
      "/broker/url: a password in a URL shows in process lists and logs: put it into a file and "
        + "name that as passwordFile"
    ])
}

@Test func aPasswordOfItsOwnIsRefusedAndNeverRepeated() {
  let reading = profile(around: #""broker": {"user": "ann", "password": "hunter2"}"#)
  #expect(reading.configuration == nil)
  #expect(reading.text.contains("/broker/password: unknown name"))
  #expect(!reading.text.contains("hunter2"))
}

@Test func aPasswordGoesOnlyWithAUser() {
  #expect(
    profile(around: #""broker": {"passwordFile": "/etc/p"}"#).messages == [
      "/broker/passwordFile: a password goes only with a user: name one"
    ])
  let url = #""broker": {"url": "mqtt://ann@b", "passwordFile": "/etc/p"}"#
  #expect(profile(around: url).told == [])
}

@Test func userAndPasswordFileFitWhatTakesThem() {
  func told(_ key: String, _ value: String) -> [String] {
    profile(around: #""broker": {"user": "ann", "\#(key)": "\#(value)"}"#).told
  }
  func user(_ value: String) -> [String] {
    profile(around: #""broker": {"user": "\#(value)"}"#).messages
  }
  let x = { String(repeating: "x", count: $0) }
  #expect(user(x(256)) == [])
  #expect(user(x(257)) == ["/broker/user: expected at most 256 bytes, none of them 0"])
  #expect(user("a\\u0000") == ["/broker/user: expected at most 256 bytes, none of them 0"])
  #expect(told("passwordFile", x(1023)) == [])
  #expect(told("passwordFile", x(1024)).count == 1)
  #expect(reading("mqtt://\(x(256))@b").told == [])
  #expect(reading("mqtt://\(x(257))@b").told.count == 1)
  #expect(reading("mqtt://a\\u0000@b").told.count == 1)
}

@Test(
  arguments: [
    ("p:3128", "expected a URL such as \"http://proxy.example:3128\""),
    ("https://p:3128", "expected a URL such as"), ("http://p", "expected the proxy's port"),
    ("http://a:hunter2@p:3128", "a password in a URL shows"),
    ("http://p:3128/x", "a proxy's URL ends with its port"),
  ] as [(String, String)])
func aWrongProxyIsRefusedWithTheReason(url: String, reason: String) {
  let reading = profile(around: #""broker": {"proxy": "\#(url)"}"#)
  #expect(reading.messages.count == 1 && reading.configuration == nil)
  #expect(reading.messages[0].hasPrefix("/broker/proxy: " + reason), "\(reading.messages)")
  #expect(!reading.text.contains("hunter2"))
}

@Test func aProxysPasswordGoesOnlyWithAUser() {
  for proxy in ["", #""proxy": "http://p:1", "#] {
    #expect(
      profile(around: #""broker": {\#(proxy)"proxyPasswordFile": "/etc/p"}"#).messages == [
        "/broker/proxyPasswordFile: a password goes only with a user: name one in the proxy's URL"
      ])
  }
  let socks = #""broker": {"proxy": "socks5://ann@p", "proxyPasswordFile": "/etc/p"}"#
  #expect(profile(around: socks).told == [])
}

@Test func whatTheURLLeavesNoRoomForIsAnError() {
  let webSocket = #""webSocket": {"headers": {"X": "y"}}"#
  #expect(
    profile(around: #""broker": {\#(webSocket)}"#).messages == [
      "/broker/webSocket: goes only with a ws:// or wss:// URL"
    ])
  let proxy = #""broker": {"url": "unix:///run/b", "proxy": "http://p:1"}"#
  #expect(
    profile(around: proxy).messages == [
      "/broker/proxy: a Unix socket is reached without a proxy"
    ])
  // The profile is good with its own URL.
  let good = #""broker": {"url": "ws://b", \#(webSocket)}"#
  let overridden = profile(around: good, brokerURL: "mqtt://localhost")
  #expect(overridden.configuration != nil)
  #expect(
    overridden.messages == [
      "/broker/webSocket: goes only with a ws:// or wss:// URL; --broker names another, so this has "
        + "no effect"
    ])
}

@Test func insecureIsTakenAndWarnedOf() throws {
  let reading = profile(
    around: #""broker": {"url": "mqtts://b", "tls": {"insecure": true}}"#)
  #expect(try #require(reading.configuration).uplink.dial.tls.insecure)
  #expect(
    reading.messages == [
      "/broker/tls/insecure: any certificate of anybody is taken: whoever is in between reads and "
        + "changes all"
    ])
}

@Test(
  arguments: [
    (#""ca": """#, "/ca: expected a string that is not empty"),
    (#""ca": "a\u0000""#, "/ca: expected at most 1023 bytes, none of them 0"),
    (#""certificate": "/c""#, "/certificate: unknown name"),
    (#""certt": "/c""#, "/certt: unknown name; did you mean \"cert\"?"),
    (#""key": "/k""#, "/key: goes only with cert"),
    (#""keyPassphraseFile": "/k""#, "/keyPassphraseFile: goes only with cert"),
    (#""crlCheck": "chain""#, "/crlCheck: goes only with crl"),
    (#""crl": "/x", "crlCheck": "all""#, "/crlCheck: expected one of \"broker\", \"chain\""),
    (#""minVersion": "1.1""#, "/minVersion: expected one of \"1.2\", \"1.3\""),
    (#""minVersion": 1.3"#, "/minVersion: expected one of"),
    (#""alpn": "mqtt, x""#, "/alpn: expected names of protocols"),
    (#""alpn": ",mqtt""#, "/alpn: expected names of protocols"),
    (#""alpn": "mqtt,""#, "/alpn: expected names of protocols"),
    (#""alpnRequired": true"#, "/alpnRequired: goes only with alpn"),
    (#""host": ".example""#, "/host: expected the name in the broker's certificate"),
    (#""insecure": "yes""#, "/insecure: expected true or false"),
  ] as [(String, String)])
func aWrongSettingOfTLSIsRefusedWithTheReason(setting: String, reason: String) {
  let reading = profile(around: #""broker": {"url": "mqtts://b", "tls": {\#(setting)}}"#)
  #expect(reading.configuration == nil && reading.messages.count == 1)
  #expect(reading.messages[0].hasPrefix("/broker/tls" + reason), "\(reading.messages)")
}

@Test func settingsOfTLSGoOnlyWithTLS() {
  #expect(
    profile(around: #""broker": {"url": "ws://b", "tls": {"ca": "/a"}}"#).messages == [
      "/broker/tls: goes only with an mqtts:// or wss:// URL"
    ])
}

@Test(
  arguments: [
    (#""Host": "x""#, "/Host: this field is the handshake's own"),
    (#""sec-websocket-key": "x""#, "/sec-websocket-key: this field is the handshake's own"),
    (#""A B": "x""#, "/A B: expected the name of an HTTP field"),
    (#""X": "hunter2\r\nY: z""#, "/X: expected a value without control characters"),
    (#""X": " hunter2""#, "/X: expected a value without control characters"),
    (#""X": 7"#, "/X: expected a string, found the number 7"),
  ] as [(String, String)])
func aHeaderThatCannotBeOneIsRefused(header: String, reason: String) {
  let reading = profile(
    around: #""broker": {"url": "ws://b", "webSocket": {"headers": {\#(header)}}}"#)
  #expect(reading.configuration == nil && reading.messages.count == 1)
  #expect(
    reading.messages[0].hasPrefix("/broker/webSocket/headers" + reason), "\(reading.messages)")
  #expect(!reading.text.contains("hunter2"))
}

@Test func headersHaveUpTo4096Bytes() {
  func told(_ count: Int) -> [String] {
    let value = String(repeating: "x", count: count)
    return profile(
      around: #""broker": {"url": "ws://b", "webSocket": {"headers": {"X": "\#(value)"}}}"#
    ).told
  }
  #expect(told(4091) == [])
  #expect(told(4092).count == 1)
}

@Test func theCommandLinesURLTakesThePlaceOfTheProfiles() throws {
  let broker = #""broker": {"url": "mqtt://ann@profile.example:1884", "keepAlive": "5s"}"#
  let configuration = try #require(
    profile(around: broker, brokerURL: "mqtt://command.example").configuration)
  #expect(configuration.string(configuration.uplink.dial.endpoint.host) == "command.example")
  #expect(configuration.uplink.dial.endpoint.port == 1883)
  #expect(configuration.uplink.keepAlive == .seconds(5))
  let wrong = profile(around: broker, brokerURL: "command.example")
  #expect(wrong.configuration == nil)
  #expect(wrong.messages.count == 1)
  #expect(wrong.messages[0].hasPrefix("--broker: expected a URL such as"))
}
