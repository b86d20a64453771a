//! Skills: folders that are uploaded, versions, files of them.

use std::path::PathBuf;

use polyagent::oma::types::{ListSkillVersionsParams, ListSkillsParams, SkillSourceType};
use polyagent::oma::{Generation, Skill};
use polyagent::{Error, Reason, Upload};
use wiremock::matchers::{any, header_regex};
use wiremock::{Mock, MockServer};

use super::requests::{NEWER, Servers, V0};
use super::responses::decodes_as_documented;
use super::{client, form, header, json, line, parts, received, routes, server};

const SKILLS: &str = "skills-2025-10-02";
const MAIN: &str = "---\nname: do\ndescription: Does it\n---\n";
const SKILL: &str = r#"{"type":"skill","id":"skill_01","display_name":"Do","latest_version_id":"skillver_01","source":{"type":"custom"},"created_at":"2026-10-01T10:00:00Z","updated_at":"2026-10-01T10:00:00Z"}"#;
const VERSION: &str = r#"{"type":"skill_version","id":"skillver_01","skill_id":"skill_01","name":"do","description":"Does it","created_at":"2026-10-01T10:00:00Z"}"#;

fn skill() -> Skill {
    Skill::from_files([("SKILL.md", MAIN), ("scripts/run.py", "pass")]).unwrap().display_name("Do")
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &[u8])]) -> Self {
        let folder = std::env::temp_dir().join(format!("polyagent-skill-{name}-{}", std::process::id()));
        for (path, content) in files {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn requests() {
    let servers = Servers::start().await;
    servers.check(SKILLS, |c| c.skills().get("skill_01"), ["GET /v1/skills/skill_01"; 3]).await;
    servers.check(SKILLS, |c| c.skills().delete("skill_01"), ["DELETE /v1/skills/skill_01"; 3]).await;
    let params = || ListSkillsParams::new().source("custom");
    servers.check(SKILLS, |c| c.skills().list(params()), ["GET /v1/skills?source=custom"; 3]).await;
    let versions = "GET /v1/skills/skill_01/versions";
    servers.check(SKILLS, |c| c.skills().versions("skill_01", ListSkillVersionsParams::new()), [versions; 3]).await;
    let version = "/v1/skills/skill_01/versions/skillver_01";
    let (get, delete) = (format!("GET {version}"), format!("DELETE {version}"));
    servers.check(SKILLS, |c| c.skills().version("skill_01", "skillver_01"), [&get; 3]).await;
    servers.check(SKILLS, |c| c.skills().delete_version("skill_01", "skillver_01"), [&delete; 3]).await;
    let content = format!("{get}/content");
    servers
        .accepting(
            ["", "application/zip", "application/binary"],
            SKILLS,
            |c| c.skills().download_version("skill_01", "skillver_01"),
            ["", &content, &content],
        )
        .await;
    servers
        .accepting(
            ["application/octet-stream", "", ""],
            SKILLS,
            |c| c.skills().file("skill_01", "SKILL.md"),
            ["GET /v1/skills/skill_01/files/SKILL.md", "", ""],
        )
        .await;
    servers.known_to(NEWER, "limit", |c| c.skills().list(ListSkillsParams::new().limit(5))).await;
    servers.known_to(V0, "description", |c| c.skills().create(skill().description("Does it"))).await;
}

const OCTETS: &str = "application/octet-stream";
const FILES: [(&str, &str, &str, &str); 2] =
    [("files[]", "do/SKILL.md", "text/markdown", MAIN), ("files[]", "do/scripts/run.py", OCTETS, "pass")];

/// oma-v1.md C6, and the literal form of its section 6.
#[tokio::test]
async fn v1_c6_a_skill_is_a_form_with_the_name_of_the_generation() {
    for (generation, name) in [(Generation::V1, "display_title"), (Generation::Anthropic, "display_name")] {
        let server = server(json(200, SKILL)).await;
        let skills = client(&server, generation).skills();
        assert_eq!(skills.create(skill()).await.unwrap().id, "skill_01");
        skills.create_version("skill_01", skill()).await.unwrap();
        let requests = server.received_requests().await.unwrap();
        let [create, version] = &requests[..] else { panic!("{}", requests.len()) };
        assert_eq!((create.method.as_str(), create.url.path()), ("POST", "/v1/skills"));
        assert_eq!(header(create, "anthropic-beta"), SKILLS);
        assert_eq!(form(create), parts(&[&[(name, "", "", "Do")], &FILES[..]].concat()));
        assert_eq!((version.method.as_str(), version.url.path()), ("POST", "/v1/skills/skill_01/versions"));
        assert_eq!(form(version), parts(&FILES));
    }
}

#[tokio::test]
async fn the_documented_form_is_what_v0_gets_first() {
    let server = server(json(201, SKILL)).await;
    let skill = skill().description("Does it");
    client(&server, Generation::V0).skills().create(skill).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 1);
    let files = FILES.map(|(_, path, media_type, content)| ("files", path, media_type, content));
    let texts = [("display_title", "", "", "Do"), ("description", "", "", "Does it")];
    assert_eq!(form(&requests[0]), parts(&[&texts[..], &files[..]].concat()));
}

/// A hosted server of `V0`: it parses a form as JSON, and fails.
async fn hosted() -> MockServer {
    let server = MockServer::builder().start().await;
    let failed = r#"{"type":"error","error":{"type":"api_error","message":"Unexpected token '-', is not valid JSON"},"message":"m","code":"api_error","request_id":"r"}"#;
    Mock::given(header_regex("content-type", "^multipart/")).respond_with(json(500, failed)).mount(&server).await;
    let created = r#"{"type":"skill","id":"skill_1","display_title":"Do","name":"do","description":"Does it","source":"custom","latest_version":"1777716003100","created_at":"2026-05-02T10:00:00.000Z","updated_at":"2026-05-02T10:00:00.000Z","files":[{"filename":"SKILL.md","content":"x","encoding":"utf8"}]}"#;
    Mock::given(any()).respond_with(json(201, created)).with_priority(9).mount(&server).await;
    server
}

/// oma.md C10.
#[tokio::test]
async fn c10_a_skill_goes_as_json_where_the_server_fails_on_a_form() {
    let server = hosted().await;
    let folder = Folder::new("json", &[("SKILL.md", MAIN.as_bytes()), ("a/logo.bin", &[0xff, 0x00])]);
    let skill = Skill::from_dir(&folder.0).unwrap().display_name("Do").description("Does it");
    let skills = client(&server, Generation::V0).skills();
    let created = skills.create(skill.clone()).with_response().await.unwrap();
    assert_eq!(created.failed_attempts().len(), 1);
    assert_eq!(created.value().display_name.as_deref(), Some("Do"));
    let _ = skills.create_version("skill_1", skill).await;
    let files = r#""files":[{"filename":"SKILL.md","content":"---\nname: do\ndescription: Does it\n---\n","encoding":"utf8"},{"filename":"a/logo.bin","content":"/wA=","encoding":"base64"}]"#;
    let requests = server.received_requests().await.unwrap();
    assert_eq!(requests.len(), 4);
    assert_eq!(
        line(&requests[1]),
        format!(r#"POST /v1/skills {{{files},"display_title":"Do","description":"Does it"}}"#)
    );
    assert_eq!(line(&requests[3]), format!("POST /v1/skills/skill_1/versions {{{files}}}"));
    assert_eq!(header(&requests[3], "content-type"), "application/json");
}

#[tokio::test]
async fn a_skill_is_sent_once_where_the_form_is_the_only_way() {
    for generation in [Generation::V1, Generation::Anthropic] {
        for status in [404, 415, 500, 503] {
            let server = server(json(status, "{}")).await;
            client(&server, generation).skills().create(skill()).await.unwrap_err();
            assert_eq!(server.received_requests().await.unwrap().len(), 1, "{generation} {status}");
        }
    }
    for status in [400, 409, 413, 502, 503] {
        let server = server(json(status, "{}")).await;
        client(&server, Generation::V0).skills().create(skill()).await.unwrap_err();
        assert_eq!(server.received_requests().await.unwrap().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_zip_goes_to_its_own_route() {
    let zip = || Upload::bytes("do.zip", "PK").media_type("application/zip");
    for (generation, route) in [(Generation::V0, "/v1/skills/upload"), (Generation::V1, "/v1/oma/skills/upload")] {
        let server = server(json(201, SKILL)).await;
        let skills = client(&server, generation).skills();
        skills.upload_zip(zip(), Some("Do")).await.unwrap();
        skills.upload_zip(zip(), None).await.unwrap();
        let requests = server.received_requests().await.unwrap();
        assert_eq!(requests[0].url.path(), route);
        let file = ("file", "do.zip", "application/zip", "PK");
        assert_eq!(form(&requests[0]), parts(&[("display_title", "", "", "Do"), file]));
        assert_eq!(form(&requests[1]), parts(&[file]));
    }
    let none = server(json(500, "{}")).await;
    let error = client(&none, Generation::Anthropic).skills().upload_zip(zip(), None).await.unwrap_err();
    assert!(matches!(error, Error::Unsupported(_)) && error.to_string().contains("skills().create"), "{error}");
}

#[tokio::test]
async fn a_taken_name_is_a_duplicate() {
    let body = r#"{"type":"error","error":{"type":"conflict_error","message":"m","details":{"error_code":"skill_name_taken"}}}"#;
    let server = server(json(409, body)).await;
    let error = client(&server, Generation::Anthropic).skills().create(skill()).await.unwrap_err();
    assert!(matches!(error, Error::Conflict(_)), "{error}");
    assert_eq!((error.reason(), error.code()), (Some(Reason::Duplicate), Some("skill_name_taken")));
}

#[test]
fn a_folder_becomes_a_skill_under_the_name_it_states() {
    let files: [(&str, &[u8]); 3] = [("SKILL.md", MAIN.as_bytes()), ("b.txt", b""), ("a/.hidden", b"x")];
    let folder = Folder::new("Some Name", &files);
    let skill = Skill::from_dir(&folder.0).unwrap();
    assert_eq!(skill.name(), "do");
    assert_eq!(skill.paths().collect::<Vec<_>>(), ["SKILL.md", "a/.hidden", "b.txt"]);
    let shown = format!("{skill:?}");
    assert!(!shown.contains("Does it") && !shown.contains("Some Name"), "{shown}");
    let missing = Skill::from_dir(folder.0.join("nowhere")).unwrap_err();
    assert!(matches!(missing, Error::Config(_)) && missing.to_string().contains("nowhere"), "{missing}");
}

#[test]
fn a_skill_that_a_server_would_reject_is_refused() {
    let refused = |files: &[(&str, &str)]| {
        let files = files.iter().map(|(path, content)| (*path, content.to_string()));
        let error = Skill::from_files(files).unwrap_err();
        assert!(matches!(error, Error::InvalidArgument(_)), "{error}");
        error.to_string()
    };
    let main = ("SKILL.md", MAIN);
    assert!(refused(&[]).contains("SKILL.md"));
    assert!(refused(&[("do/SKILL.md", MAIN)]).contains("at the top"));
    assert!(refused(&[("skill.md", MAIN)]).contains("at the top"));
    assert!(refused(&[("SKILL.md", "name: do")]).contains("front matter"));
    for name in ["", "Do", "do it", "dö", "do_it", &"a".repeat(65)] {
        let said = refused(&[("SKILL.md", &format!("---\nname: {name}\n---\n"))]);
        assert!(said.contains("a-z, 0-9 and -"), "{name}: {said}");
    }
    for path in ["../x", "a/../x", "/x", "a//x", "a/", ".", "a\\x", "a\nx", ""] {
        assert!(refused(&[main, (path, "")]).contains("within the skill"), "{path:?}");
    }
    assert!(refused(&[main, ("a", ""), ("a", "")]).contains("twice"));
    let many: Vec<_> = (0..500).map(|at| format!("f{at}")).collect();
    let many: Vec<_> = many.iter().map(|path| (path.as_str(), "")).chain([main]).collect();
    assert!(refused(&many).contains("500"));
    assert!(Skill::from_files(many[1..].iter().copied()).is_ok());
    let large = "x".repeat((25 << 20) + 1);
    assert!(refused(&[main, ("big", &large)]).contains("25 MiB"));
    let large = &large[1..];
    assert!(refused(&[main, ("1", large), ("2", large), ("3", large), ("4", large)]).contains("100 MiB"));
}

#[tokio::test]
async fn a_display_name_has_up_to_255_characters() {
    let server = server(json(200, SKILL)).await;
    let skills = client(&server, Generation::V1).skills();
    skills.create(skill().display_name("é".repeat(255))).await.unwrap();
    for wrong in [String::new(), "é".repeat(256)] {
        let error = skills.create(skill().display_name(wrong)).await.unwrap_err();
        assert!(matches!(error, Error::InvalidArgument(_)) && error.to_string().contains("display_name"), "{error}");
    }
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[cfg(unix)]
#[test]
fn a_link_to_a_folder_is_refused_and_one_to_a_file_followed() {
    let folder = Folder::new("links", &[("SKILL.md", MAIN.as_bytes())]);
    std::os::unix::fs::symlink("SKILL.md", folder.0.join("copy.md")).unwrap();
    assert_eq!(Skill::from_dir(&folder.0).unwrap().paths().count(), 2);
    std::os::unix::fs::symlink(".", folder.0.join("round")).unwrap();
    let error = Skill::from_dir(&folder.0).unwrap_err();
    assert!(matches!(error, Error::InvalidArgument(_)) && error.to_string().contains("round"), "{error}");
}

/// oma.md C3.
#[tokio::test]
async fn c3_a_file_comes_from_its_version_where_the_route_is_missing() {
    let documented = server(wiremock::ResponseTemplate::new(200).set_body_raw("text", "text/plain")).await;
    let file = client(&documented, Generation::V0).skills().file("skill_1", "SKILL.md").await.unwrap();
    assert_eq!(file, "text");
    let version = r#"{"version":"7","created_at":"2026-05-02T10:00:00.000Z","files":[{"filename":"SKILL.md","content":"é","encoding":"utf8"},{"filename":"logo","content":"/wA=","encoding":"base64"}]}"#;
    let real = routes(&[
        ("GET", "/v1/skills/skill_1", 200, r#"{"type":"skill","id":"skill_1","latest_version":"7"}"#),
        ("GET", "/v1/skills/skill_1/versions/7", 200, version),
    ])
    .await;
    let skills = client(&real, Generation::V0).skills();
    assert_eq!(skills.file("skill_1", "SKILL.md").await.unwrap(), "é");
    assert_eq!(skills.file("skill_1", "logo").await.unwrap()[..], [0xff, 0x00]);
    let error = skills.file("skill_1", "other").await.unwrap_err();
    assert!(matches!(error, Error::NotFound(_)), "{error}");
    assert_eq!(
        received(&real).await[..3],
        ["GET /v1/skills/skill_1/files/SKILL.md", "GET /v1/skills/skill_1", "GET /v1/skills/skill_1/versions/7"]
    );
    let missing = server(json(404, r#"{"error":"Skill not found"}"#)).await;
    client(&missing, Generation::V0).skills().file("skill_1", "a").await.unwrap_err();
    assert_eq!(received(&missing).await.len(), 1);
}

#[tokio::test]
async fn skills_and_versions_of_all_generations_are_read() {
    let new = decodes_as_documented(|c| c.skills().get("s"), SKILL).await;
    assert_eq!(
        (new.latest_version_id.as_deref(), new.source.unwrap().type_),
        (Some("skillver_01"), SkillSourceType::Custom)
    );
    let body = r#"{"type":"skill","id":"skill_01","display_title":"Do","latest_version":"1759312800000000","source":"custom","created_at":"2026-10-01T10:00:00Z","updated_at":"2026-10-01T10:00:00Z"}"#;
    let openma = client(&server(json(200, body)).await, Generation::V1).skills().get("s").await.unwrap();
    assert_eq!(
        (openma.display_name.as_deref(), openma.source.as_ref().unwrap().type_.as_str()),
        (Some("Do"), "custom")
    );
    assert!(openma.unknown.is_empty());
    decodes_as_documented(|c| c.skills().version("s", "v"), VERSION).await;
    let old = r#"{"version":"1777716003100","created_at":"2026-05-02T10:00:00Z","file_count":2}"#;
    let listed = format!(r#"{{"data":[{old}],"has_more":false,"next_page":null}}"#);
    let params = ListSkillVersionsParams::new;
    let page =
        client(&server(json(200, &listed)).await, Generation::V0).skills().versions("s", params()).await.unwrap();
    assert_eq!((page.items[0].version.as_deref(), page.items[0].file_count), (Some("1777716003100"), Some(2)));
    assert!(page.next_cursor().is_none() && page.items[0].unknown.is_empty());
}
