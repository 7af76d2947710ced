# SPDX-License-Identifier: LGPL-2.1-or-later
"""Downloads over a bad line: what breaks off is resumed, by the same job or a later one, and no byte is fetched twice."""

import itertools
import random

import images
from case import CHECKOUT, SyscontCase
from registry import FaultyRegistry, allow_http

SEEDS = itertools.count(5000)
SPOOL = f"{CHECKOUT}/.spool"


class SpoolCase(SyscontCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.registry = FaultyRegistry(cls.machine, images.plain())
        cls.other = FaultyRegistry(cls.machine, images.plain(text="other\n"))
        allow_http(cls.machine, cls.registry.port, cls.other.port)

    def setUp(self):
        super().setUp()
        self.ctl("pull", self.other.name("base"))  # has the layers that all images have
        self.ctl("prune")
        self.serve()

    def serve(self, megabytes=4, layers=1):
        """Another image for each test; the last layer is the one that the tests are about."""
        self.registry.set_rules([])
        self.image = images.bulky(megabytes, layers, seed=next(SEEDS))
        self.registry.serve(self.image)
        self.digest = images.digest_of(self.image.layers[-1][1])
        self.size = len(self.image.layers[-1][1])
        self.begin = len(self.registry.answers())

    def fault(self, *rules, **rule):
        self.registry.set_rules([{"match": f"/blobs/{self.digest}", **row} for row in rules or [rule]])

    def name(self, name="app"):
        return self.registry.name(name)

    def answers(self):
        """What the registry sent of the blob: requests with start and sent."""
        return [row for row in self.registry.answers()[self.begin:] if row["path"].endswith(self.digest)]

    def starts(self):
        return [row["start"] for row in self.answers()]

    def spooled(self):
        """Bytes of the blob in the spool, or None."""
        path = self.machine.path(f"{SPOOL}/{self.digest.removeprefix('sha256:')}")
        return path.stat().st_size if path.exists() else None

    def result(self):
        return {key: value["data"] for key, value in self.newest_job()["result"].items()}

    def pull_begins(self, name="app", rate=400000):
        """Starts a slow pull and returns, when the blob is on its way, the job."""
        self.fault(fault="slow", rate=rate)
        self.ctl("pull", self.name(name), "--no-block")
        path = self.newest_job()["path"]
        self.machine.wait_for(lambda: (self.spooled() or 0) > 0, 30, "a download")
        return path

    def pull(self, name="app"):
        return self.ctl_json("pull", self.name(name))["result"]

    def assert_fetched_once(self):
        """Everything came, and each byte once."""
        answers = self.answers()
        self.assertEqual(sum(row["sent"] for row in answers), self.size, answers)
        for before, after in itertools.pairwise(answers):
            self.assertEqual(before["start"] + before["sent"], after["start"], answers)

    def assert_spool_is_empty(self):
        self.assertEqual(self.list_directory(SPOOL), [])

    def assert_pulled(self, name="app"):
        self.assertTrue(any(self.name(name) in row["references"] for row in self.list_images()))
        self.assert_spool_is_empty()
        self.assert_repository_is_sound()


class Resume(SpoolCase):
    def test_cut_and_resumed(self):
        for percent in (10, 50, 99):
            with self.subTest(percent):
                self.serve()
                self.fault(fault="truncate", at=self.size * percent // 100, times=1)
                result = self.pull()
                self.assert_fetched_once()
                self.assertEqual(self.starts(), [0, self.size * percent // 100])
                self.assertEqual(result["resumed-bytes"], 0)
                self.assert_pulled()

    def test_rp01_ends_early_for_ever(self):
        self.fault({"fault": "truncate", "at": 1000000, "times": 1}, {"fault": "truncate", "at": 0})
        self.assert_fails(8, "RegistryUnreachable", "pull", self.name(), mentions=[self.digest, "after 1000000 of"])
        self.assertEqual(self.starts(), [0] + [1000000] * 5)
        self.assertEqual(self.spooled(), 1000000)
        self.registry.set_rules([])
        self.assertEqual(self.pull()["resumed-bytes"], 1000000 + len(self.image.config_bytes))
        self.assert_fetched_once()
        self.assert_pulled()

    def test_rp02_reset_twenty_times(self):
        numbers = random.Random(2)
        self.fault(*({"fault": "reset", "at": numbers.randrange(2000, 300000), "times": 1} for _ in range(20)))
        result = self.pull()
        self.assertEqual(len(self.answers()), 21)
        self.assertLessEqual(result["downloaded-bytes"], 1.1 * self.size)
        self.assert_pulled()

    def test_rp03_whole_blob_instead_of_its_rest(self):
        self.fault({"fault": "truncate", "at": 1000000, "times": 1}, {"fault": "no-range"})
        self.pull()
        self.assertEqual(self.starts(), [0, 0])
        self.assert_pulled()

    def test_rp03_also_for_the_next_job(self):
        self.ctl("cancel", self.pull_begins().rsplit("/", 1)[1])
        self.machine.wait_for(lambda: self.newest_job()["state"] == "cancelled", 10)
        kept = self.spooled()
        self.fault(fault="no-range")
        result = self.pull()
        self.assertEqual(self.starts(), [0, 0])
        self.assertEqual(result["resumed-bytes"], kept + len(self.image.config_bytes))
        self.assertEqual(result["downloaded-bytes"], self.size)
        self.assert_pulled()

    def test_rp05_other_size(self):
        self.fault(fault="long")
        result = self.ctl("pull", self.name(), check=False)
        self.assertEqual(result.status, 7, result)

    def test_rp06_wrong_once(self):
        self.fault(fault="wrong", times=1)
        result = self.pull()
        self.assertEqual(self.starts(), [0, 0])
        self.assertEqual(result["downloaded-bytes"], self.size * 2 + len(self.image.config_bytes))
        self.assert_pulled()

    def test_rp06_wrong_for_ever(self):
        self.fault(fault="wrong")
        refs = self.refs()
        self.assert_fails(7, "DigestMismatch", "pull", self.name(), mentions=[self.digest])
        self.assertEqual(self.starts(), [0, 0])
        self.assertIsNone(self.spooled())
        self.assertEqual(self.refs(), refs)

    def test_rp07_spool_file_is_damaged(self):
        for place in ("first", "last"):
            with self.subTest(place):
                self.serve()
                self.ctl("cancel", self.pull_begins().rsplit("/", 1)[1])
                self.machine.wait_for(lambda: self.newest_job()["state"] == "cancelled", 10)
                kept = self.spooled()
                path = f"{SPOOL}/{self.digest.removeprefix('sha256:')}"
                offset = 100 if place == "first" else kept - 1
                self.machine.sh(f"printf '\\377\\0\\377' | dd of={path} bs=1 seek={offset} conv=notrunc status=none; truncate -s {kept} {path}")
                self.registry.set_rules([])
                self.pull()
                self.assertEqual(self.starts(), [0, kept, 0])
                self.assert_pulled()

    def test_rp15_retry_after(self):
        for value in ("1", "0", "-5", "soon", "Tue, 31 Dec 2019 00:00:00 GMT"):
            with self.subTest(value):
                self.serve(1)
                self.fault(fault="status", status=429, headers={"Retry-After": value}, times=1)
                self.pull()
                self.assert_pulled()

    def test_rp15_retry_after_a_day(self):
        self.fault(fault="status", status=503, headers={"Retry-After": "86400"})
        self.assert_fails(8, "RegistryRateLimited", "pull", self.name(), mentions=["try again after"])

    def test_rp15_cancel_while_waiting(self):
        self.fault(fault="status", status=429, headers={"Retry-After": "200"})
        self.ctl("pull", self.name(), "--no-block")
        path = self.newest_job()["path"]
        self.machine.wait_for(lambda: self.answers(), 20, "the request")
        self.ctl("cancel", path.rsplit("/", 1)[1])
        self.assertEqual(self.wait_for_job(path, 10), "cancelled")

    def test_rp16_silence(self):
        """A minute without a byte is enough; other jobs do not notice."""
        self.fault(fault="stall", at=1000000, times=1)
        self.ctl("pull", self.name(), "--no-block")
        path = self.newest_job()["path"]
        self.machine.wait_for(lambda: self.spooled() == 1000000, 20, "the silence")
        self.ctl("pull", self.other.name("beside"))
        self.assertEqual(self.wait_for_job(path, 120), "done")
        self.assert_fetched_once()
        self.assert_pulled()

    def test_rp26_registry_dies(self):
        self.serve(4, layers=4)
        path = self.pull_begins()
        self.registry.stop()
        self.ctl("pull", self.other.name("third"))
        self.assertEqual(self.wait_for_job(path, 120), "failed")
        self.assertEqual(self.job_property(path, "ErrorName"), "org.syscont.Error.RegistryUnreachable")
        kept = self.spooled()
        self.registry.start()
        self.registry.set_rules([])
        result = self.pull()
        self.assertEqual(self.starts()[-1], kept)
        self.assertGreaterEqual(result["resumed-bytes"], kept)
        self.assert_pulled()


class NextJob(SpoolCase):
    """A pull that ended for whatever reason left its bytes to the next one."""

    def assert_resumes(self, name="app"):
        kept = self.spooled()
        self.assertGreater(kept, 0)
        self.registry.set_rules([])
        result = self.pull(name)
        self.assertEqual(self.starts()[-1], kept)
        self.assertEqual(result["downloaded-bytes"], self.size - kept)
        self.assertEqual(result["resumed-bytes"], kept + len(self.image.config_bytes))
        self.assert_pulled(name)

    def test_cancelled(self):
        path = self.pull_begins()
        self.ctl("cancel", path.rsplit("/", 1)[1])
        self.assertEqual(self.wait_for_job(path, 10), "cancelled")
        self.assert_resumes()

    def test_blobs_are_told_apart(self):
        path = self.pull_begins()
        self.machine.wait_for(lambda: self.job_property(path, "Bytes") > len(self.image.config_bytes), 20, "progress of the layer")
        blobs = [{key: value["data"] for key, value in blob.items()} for blob in self.job_property(path, "Blobs")]
        config, layer = blobs
        self.assertEqual(config, {"digest": images.digest_of(self.image.config_bytes), "bytes": len(self.image.config_bytes),
                                  "bytes-total": len(self.image.config_bytes)})
        self.assertTrue(0 < layer["bytes"] < layer["bytes-total"], layer)
        self.ctl("cancel", path.rsplit("/", 1)[1])
        self.assertEqual(self.wait_for_job(path, 10), "cancelled")
        self.assert_resumes()

    def test_other_image_with_the_same_blob(self):
        path = self.pull_begins()
        self.ctl("cancel", path.rsplit("/", 1)[1])
        self.assertEqual(self.wait_for_job(path, 10), "cancelled")
        self.assert_resumes("another")

    def test_daemon_killed(self):
        self.pull_begins()
        self.machine.run(["systemctl", "kill", "-s", "KILL", "syscontd.service"])
        self.machine.wait_for(lambda: self.ctl("list", check=False).status == 0, 20, "the daemon")
        self.assert_resumes()

    def test_daemon_restarted(self):
        path = self.pull_begins()
        self.machine.run(["systemctl", "restart", "syscontd.service"])
        self.machine.wait_for(lambda: self.ctl("list", check=False).status == 0, 20, "the daemon")
        self.assertEqual(self.job_property(path, "ErrorName"), "org.syscont.Error.Interrupted")
        self.assert_resumes()

    def test_fetch_worker_killed(self):
        path = self.pull_begins()
        self.machine.run(["systemctl", "kill", "-s", "KILL", "syscont-fetch@*"])
        self.assertEqual(self.wait_for_job(path, 20), "failed")
        self.assertIn("syscont-fetch@", self.job_property(path, "ErrorMessage"))
        self.assert_resumes()

    def test_machine_killed(self):
        self.pull_begins()
        self.machine.kill()
        self.machine.boot()
        self.registry.start()
        self.other.start()
        self.assert_resumes()

    def test_prune_clears(self):
        path = self.pull_begins()
        self.ctl("cancel", path.rsplit("/", 1)[1])
        self.assertEqual(self.wait_for_job(path, 10), "cancelled")
        kept = self.spooled()
        self.assertGreaterEqual(self.ctl_json("prune", "--dry-run")["result"]["spool-bytes"], kept)
        self.assertEqual(self.spooled(), kept)
        self.assertIn("unfinished downloads", self.ctl("prune").out)
        self.assert_spool_is_empty()

    def test_nothing_is_kept_where_nothing_may_be(self):
        conf = "/etc/syscont/syscont.conf.d/spool.conf"
        self.addCleanup(self.machine.run, ["systemctl", "stop", "syscontd.service"])
        self.addCleanup(self.machine.run, ["rm", "-f", conf])
        for text in ("MaxBytes=0", "RetentionSec=0"):
            with self.subTest(text):
                self.serve()
                self.machine.write(conf, f"[Spool]\n{text}\n")
                self.machine.run(["systemctl", "stop", "syscontd.service"])
                path = self.pull_begins()
                self.ctl("cancel", path.rsplit("/", 1)[1])
                self.assertEqual(self.wait_for_job(path, 10), "cancelled")
                self.assert_spool_is_empty()


class Joined(SpoolCase):
    """Two jobs that want the same blobs."""

    def second_begins(self):
        self.ctl("pull", self.name("second"), "--no-block")
        path = self.newest_job()["path"]
        self.machine.wait_for(lambda: any("/second/manifests/" in row["path"] for row in self.registry.requests()[self.asked:]), 20)
        self.machine.wait_for(lambda: self.job_property(path, "Phase") == "download", 20)
        return path

    def setUp(self):
        super().setUp()
        self.asked = len(self.registry.requests())

    def test_downloaded_once(self):
        first = self.pull_begins("first")
        second = self.second_begins()
        self.assertEqual([self.wait_for_job(path) for path in (first, second)], ["done", "done"])
        self.assertEqual(self.starts(), [0])
        self.assertTrue(all("/first/" in row["path"] for row in self.answers()))
        self.assertEqual(self.result()["downloaded-bytes"], 0)
        self.assert_pulled("first")
        self.assert_pulled("second")

    def test_first_is_cancelled(self):
        first = self.pull_begins("first")
        second = self.second_begins()
        self.registry.set_rules([])
        self.ctl("cancel", first.rsplit("/", 1)[1])
        self.assertEqual([self.wait_for_job(path) for path in (first, second)], ["cancelled", "done"])
        self.machine.wait_for(lambda: len(self.starts()) == 2, 20, "the ends of both answers")
        resumed = self.answers()[1]
        self.assertIn("/second/", resumed["path"])
        self.assertGreater(resumed["start"], 0)
        self.assertEqual(self.result()["downloaded-bytes"], self.size - resumed["start"])
        self.assert_pulled("second")

    def test_second_is_cancelled(self):
        first = self.pull_begins("first")
        second = self.second_begins()
        self.ctl("cancel", second.rsplit("/", 1)[1])
        self.assertEqual([self.wait_for_job(path) for path in (second, first)], ["cancelled", "done"])
        self.assertEqual(self.starts(), [0])
        self.assert_pulled("first")

    def test_worker_of_the_first_dies(self):
        first = self.pull_begins("first")
        worker = self.machine.sh("systemctl list-units --plain --no-legend 'syscont-fetch@*' | cut -d' ' -f1").split()
        second = self.second_begins()
        self.registry.set_rules([])
        self.machine.run(["systemctl", "kill", "-s", "KILL", *worker])
        self.assertEqual([self.wait_for_job(path) for path in (first, second)], ["failed", "done"])
        self.machine.wait_for(lambda: len(self.starts()) == 2, 20, "the ends of both answers")
        self.assert_pulled("second")


class FullDisk(SpoolCase):
    MACHINE = {"containers_size_mb": 64}

    def setUp(self):
        self.machine.write("/etc/syscont/syscont.conf.d/space.conf", "[Storage]\nKeepFreePercent=0\nKeepFreeBytes=0\n")
        super().setUp()

    def fill(self, left_mb=0):
        filler = f"{CHECKOUT}/../filler"
        self.addCleanup(self.machine.run, ["rm", "-f", filler])
        free = int(self.machine.sh(f"df --output=avail -BM {CHECKOUT} | tail -1 | tr -d M"))
        if left_mb:
            self.machine.run(["fallocate", "-l", f"{free - left_mb}M", filler])
        else:
            self.machine.sh(f"dd if=/dev/zero of={filler} bs=64k status=none || sync {filler}")

    def test_fc08_disk_fills_during_a_download(self):
        path = self.pull_begins()
        self.fill()
        self.assertEqual(self.wait_for_job(path, 60), "failed")
        self.assertEqual(self.job_property(path, "ErrorName"), "org.syscont.Error.NoSpace")
        self.assert_spool_is_empty()
        self.machine.run(["rm", f"{CHECKOUT}/../filler"])
        self.registry.set_rules([])
        self.pull()
        self.assert_pulled()

    def test_rx02_unpacked_size_is_counted(self):
        """The blobs would fit, but not what they are unpacked to."""
        self.fill(left_mb=8)
        self.assert_fails(9, "NoSpace", "pull", self.name(), mentions=["are needed"])
        self.assertEqual(self.starts(), [])

    def test_leftovers_make_room(self):
        path = self.pull_begins(rate=1000000)
        self.machine.wait_for(lambda: self.spooled() > 3000000, 30)
        self.ctl("cancel", path.rsplit("/", 1)[1])
        self.assertEqual(self.wait_for_job(path, 10), "cancelled")
        left = self.list_directory(SPOOL)
        self.fill(left_mb=3)
        self.serve(1)
        self.ctl("pull", self.name("small"))
        self.assertTrue(any(self.name("small") in row["references"] for row in self.list_images()))
        self.assertLess(len(self.list_directory(SPOOL)), len(left))
