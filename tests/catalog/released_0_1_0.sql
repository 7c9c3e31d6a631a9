BEGIN TRANSACTION;
CREATE TABLE hashdrop_names (
	id INTEGER NOT NULL, 
	manifest_id CHAR(32) NOT NULL, 
	name VARCHAR NOT NULL, 
	folder VARCHAR NOT NULL, 
	connection VARCHAR NOT NULL, 
	machine VARCHAR NOT NULL, 
	user VARCHAR NOT NULL, 
	stored_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (manifest_id, name, folder, connection), 
	FOREIGN KEY(manifest_id) REFERENCES labox_manifests (id)
);
INSERT INTO "hashdrop_names" VALUES(1,'d71ac2f5104648f2a314aa64aa42a884','Ä.csv','run','lab','vm','root','2026-11-25 03:01:28.380807');
INSERT INTO "hashdrop_names" VALUES(2,'d71ac2f5104648f2a314aa64aa42a884','b.csv','','lab','vm','root','2026-11-25 03:01:28.383896');
CREATE TABLE labox_contents (
	id CHAR(32) NOT NULL, 
	manifest_id CHAR(32) NOT NULL, 
	content_key VARCHAR NOT NULL, 
	content_type VARCHAR NOT NULL, 
	content_encoding VARCHAR, 
	content_hash VARCHAR NOT NULL, 
	content_hash_algorithm VARCHAR NOT NULL, 
	content_size BIGINT NOT NULL, 
	serializer_name VARCHAR NOT NULL, 
	serializer_config JSON NOT NULL, 
	serializer_type VARCHAR(16) NOT NULL, 
	storage_name VARCHAR NOT NULL, 
	storage_config JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(manifest_id) REFERENCES labox_manifests (id), 
	UNIQUE (manifest_id, content_key)
);
INSERT INTO "labox_contents" VALUES('971610ce6c204632806d954dd1f592dc','d71ac2f5104648f2a314aa64aa42a884','content','text/csv',NULL,'6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b','sha256',5000000000,'hashdrop.file@v1','null','StreamSerializer','labox.aws.s3@v1','{"bucket":"lab-data","key":"raw/6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b.csv"}','2026-11-25 03:01:28.375428');
CREATE TABLE labox_manifests (
	id CHAR(32) NOT NULL, 
	tags JSON, 
	class_id CHAR(32) NOT NULL, 
	unpacker_name VARCHAR NOT NULL, 
	created_at DATETIME NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "labox_manifests" VALUES('d71ac2f5104648f2a314aa64aa42a884','{"run": "7"}','6f1d9c2b000000000000000000000000','hashdrop.stored_file@v1','2026-11-25 03:01:28.363336');
CREATE INDEX hashdrop_contents_by_hash ON labox_contents (content_hash);
CREATE INDEX ix_hashdrop_names_manifest_id ON hashdrop_names (manifest_id);
COMMIT;
