"""The tables of a small Python engine, as its storage guide has them. SQLAlchemy 1.4 or 2."""

import uuid

from sqlalchemy import JSON, Boolean, Column, DateTime, ForeignKey, Integer, String, Text, func
from sqlalchemy.orm import declarative_base

Base = declarative_base()


def new_id():
    return str(uuid.uuid4())


class UserDB(Base):
    __tablename__ = "users"

    id = Column(String(36), primary_key=True, default=new_id)
    username = Column(String(255), unique=True, nullable=False, index=True)
    email = Column(String(255), unique=True, nullable=False, index=True)
    hashed_password = Column(String(255), nullable=False)
    is_active = Column(Boolean, default=True)
    is_admin = Column(Boolean, default=False)
    created_at = Column(DateTime, server_default=func.now())
    last_login_at = Column(DateTime)


class WorkflowDB(Base):
    __tablename__ = "workflows"

    id = Column(String(36), primary_key=True, default=new_id)
    name = Column(String(255), nullable=False)
    description = Column(Text)
    definition = Column(JSON, nullable=False)
    owner_id = Column(String(36), ForeignKey("users.id"), index=True)
    is_public = Column(Boolean, default=False)
    created_at = Column(DateTime, server_default=func.now())
    updated_at = Column(DateTime, server_default=func.now(), onupdate=func.now())


class ExecutionDB(Base):
    __tablename__ = "executions"

    id = Column(String(36), primary_key=True, default=new_id)
    workflow_id = Column(String(36), ForeignKey("workflows.id"), index=True)
    user_id = Column(String(36), ForeignKey("users.id"), index=True)
    status = Column(String(50), nullable=False, index=True)
    state = Column(JSON)
    started_at = Column(DateTime)
    completed_at = Column(DateTime)


class SettingsDB(Base):
    __tablename__ = "settings"

    user_id = Column(String(36), ForeignKey("users.id"), primary_key=True)
    settings_data = Column(JSON, nullable=False)
    created_at = Column(DateTime, server_default=func.now())
    updated_at = Column(DateTime, server_default=func.now(), onupdate=func.now())


class WorkflowVersionDB(Base):
    __tablename__ = "workflow_versions"

    id = Column(String(36), primary_key=True, default=new_id)
    workflow_id = Column(String(36), ForeignKey("workflows.id"), index=True)
    version_number = Column(Integer, nullable=False)
    definition = Column(JSON, nullable=False)
    change_notes = Column(Text)
    created_by = Column(String(36), ForeignKey("users.id"))
    created_at = Column(DateTime, server_default=func.now())


class WorkflowShareDB(Base):
    __tablename__ = "workflow_shares"

    id = Column(String(36), primary_key=True, default=new_id)
    workflow_id = Column(String(36), ForeignKey("workflows.id"), index=True)
    shared_with_user_id = Column(String(36), ForeignKey("users.id"), index=True)
    permission = Column(String(50), nullable=False)
    created_at = Column(DateTime, server_default=func.now())
